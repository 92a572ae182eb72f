import { BoxError, type LaunchPlan, type Rootfs } from '@boxkit/contracts';
import { closeDescriptors, dieWithParent, execute } from './calls/command.ts';
import { mountRoot, rootPath } from './calls/root.ts';
import { effectiveIdMap } from './effective-id-map.ts';
import { findProgram } from './find-program.ts';
import { hostEnvironment, planAround, stubPath } from './plan.ts';
import { unshareArguments } from '../id-map.ts';

/**
 * How the host's cp copies a directory out of a rootfs that nothing runs in, as the rootfs's own root sees it: an
 * overlay is mounted for it, in a mount namespace that ends with cp, and ids mean what they mean inside. `from` is
 * absolute inside and has no symlinks; `to` is on the host and does not exist. Owners, modes, times, xattrs and
 * hardlinks are kept.
 */
export function copyOutPlan(
  rootfs: Rootfs,
  { from, to }: { readonly from: string; readonly to: string },
): Pick<LaunchPlan, 'argv' | 'env' | 'descriptors' | 'report'> {
  const argv = [hostProgram('cp'), '-a', '-T', '--', `${rootPath(rootfs)}${from}`, to] as const;
  const user = { uid: 0, gid: 0, additionalGids: [], home: '/' };
  const inside = [
    dieWithParent(),
    ...mountRoot(mountedAgain(rootfs)),
    ...closeDescriptors(),
    ...execute({ argv, env: hostEnvironment, cwd: '/', user, terminal: false }),
  ];
  const namespaces = [...unshareArguments(effectiveIdMap(rootfs.idMap)), '--mount'];
  return planAround([{ argv: [hostProgram('unshare'), ...namespaces, '--', stubPath] }], inside);
}

/** An overlay that the container mounts after this, which `volatile` would forbid. */
function mountedAgain(rootfs: Rootfs): Rootfs {
  return rootfs.kind === 'overlay' ? { ...rootfs, volatile: false } : rootfs;
}

function hostProgram(name: string): string {
  const path = findProgram(name);
  if (path !== undefined) return path;
  throw new BoxError('ERR_BOX_CONTAINER_SETUP', `cannot copy out of a rootfs: there is no program ${name}`, {
    hint: 'Install coreutils and util-linux.',
  });
}
