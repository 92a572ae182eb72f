import type { PlannedContainer, Rootfs } from '@boxkit/contracts';
import { formatPlan } from '@boxkit/linux';

/** A planned container as text for people: what it is, then the list of system calls that makes it. */
export function describePlan({ containerId, name, bundle, plan, stop }: PlannedContainer): string {
  const { process, mounts, capabilities, limits } = bundle;
  const { uid, gid, additionalGids } = process.user;
  const lines = [
    `# container ${name} (${containerId.slice(0, 12)})`,
    `# rootfs: ${describeRootfs(bundle.rootfs)}${bundle.readOnlyRootfs ? ', read-only' : ''}`,
    `# process: ${process.argv.map((word) => JSON.stringify(word)).join(' ')}`,
    `# in ${JSON.stringify(process.cwd)} as ${[`${uid}:${gid}`, ...additionalGids.filter((id) => id !== gid)].join(',')}${process.terminal ? ', with a terminal' : ''}`,
    ...Object.entries(process.env).map(([key, value]) => `# env ${key}=${JSON.stringify(value)}`),
    `# network: ${bundle.network}; host name ${JSON.stringify(bundle.hostname)}`,
    ...mounts.map(
      (mount) =>
        `# mount ${mount.type} ${JSON.stringify(mount.source ?? '')} at ${JSON.stringify(mount.target)}${mount.readOnly ? ', read-only' : ''}`,
    ),
    `# capabilities: ${capabilities.join(' ') || 'none'}${bundle.noNewPrivileges ? '; no new privileges' : ''}`,
    `# seccomp: ${bundle.seccomp === undefined ? 'none' : `a program of ${bundle.seccomp.length / 8} instructions`}`,
    ...(Object.keys(limits).length === 0 ? [] : [`# limits: ${JSON.stringify(limits)}`]),
    `# stopped by ${stop.signal}, killed ${stop.timeout} ms later`,
  ];
  return `${lines.join('\n')}\n\n${formatPlan(plan)}`;
}

function describeRootfs(rootfs: Rootfs): string {
  if (rootfs.kind === 'directory') return `the directory ${rootfs.path}`;
  return `an overlay of ${rootfs.lower.length} directories, mounted on ${rootfs.target}`;
}
