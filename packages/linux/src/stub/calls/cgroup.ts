import { BoxError, type Bundle, type SystemCall } from '@boxkit/contracts';
import { planCgroups, type CgroupDirectory } from '../../cgroup/cgroup.ts';
import { AT_FDCWD, O_CLOEXEC, O_WRONLY } from '../constants.ts';

/**
 * The cgroups that a bundle's limits need. `waiting` is how many processes of box's own stay in them beside the container's.
 * Throws ERR_BOX_NOT_ENFORCEABLE when they cannot be made here.
 */
export function bundleCgroups(
  { limits, containerId }: Bundle,
  { waiting }: { readonly waiting: number } = { waiting: 0 },
): readonly CgroupDirectory[] {
  const room = limits.pids === undefined ? limits : { ...limits, pids: limits.pids + waiting };
  const planned = planCgroups(room, `box-${process.pid}-${containerId.slice(0, 12)}`);
  if (typeof planned !== 'string') return planned;
  throw new BoxError('ERR_BOX_NOT_ENFORCEABLE', `cannot limit the container's resources: ${planned}`, {
    hint: 'Run as root, or let systemd delegate the controllers to the user.',
  });
}

/** Makes the cgroups, sets their limits and goes into them: all that follows is limited. */
export function enterCgroups(directories: readonly CgroupDirectory[]): readonly SystemCall[] {
  return directories.flatMap(({ path, settings }) => [
    { name: 'mkdirat', args: [AT_FDCWD, path, 0o755], why: "a cgroup of the container's own" },
    ...settings.flatMap(([file, value]) => writeFile(`${path}/${file}`, value, `the limit ${value}`)),
    ...writeFile(`${path}/cgroup.procs`, '0', 'this process and all that come of it'),
  ]);
}

function writeFile(path: string, value: string, why: string): readonly SystemCall[] {
  const label = 'cgroup file';
  const bytes = Buffer.from(value);
  return [
    { name: 'openat', args: [AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0], why, label },
    { name: 'write', args: [{ result: label }, { bytes }, bytes.length], why },
    { name: 'close', args: [{ result: label }], why: 'written' },
  ];
}
