import { BoxError, type LaunchPlan, type OverlayRootfs } from '@boxkit/contracts';
import { unshareArguments } from '../id-map.ts';
import { dieWithParent } from './calls/command.ts';
import { mountRoot, rootPath } from './calls/root.ts';
import { AT_FDCWD, O_DIRECTORY, O_PATH } from './constants.ts';
import { effectiveIdMap } from './effective-id-map.ts';
import { findProgram } from './find-program.ts';
import { hostEnvironment, planAround, stubPath } from './plan.ts';

/** The descriptor that the program has the root of the rootfs as. */
export const enteredRoot = 3;

/**
 * How a program of the host's is executed that has the root of an overlay as descriptor 3, as the overlay's own root
 * sees it: it is mounted in a mount namespace that ends with the program, and ids mean what they mean inside. All else
 * is the host's.
 */
export function enterRootfsPlan(
  rootfs: OverlayRootfs,
  argv: readonly [string, ...string[]],
): Pick<LaunchPlan, 'argv' | 'env' | 'descriptors' | 'report'> {
  const unshare = findProgram('unshare');
  if (unshare === undefined) {
    throw new BoxError('ERR_BOX_CONTAINER_SETUP', 'cannot mount a rootfs: there is no program unshare', {
      hint: 'Install util-linux.',
    });
  }
  const envp = Object.entries(hostEnvironment).map(([key, value]) => `${key}=${value}`);
  const why = 'the root of the rootfs';
  const inside = [
    dieWithParent(),
    ...mountRoot(rootfs),
    { name: 'openat', args: [AT_FDCWD, rootPath(rootfs), O_PATH | O_DIRECTORY, 0], why, label: 'opened root' },
    { name: 'dup3', args: [{ result: 'opened root' }, enteredRoot, 0], why },
    { name: 'close_range', args: [enteredRoot + 1, 0xffff_ffff, 0], why: 'nothing else is inherited' },
    { name: 'chdir', args: ['/'], why: 'paths are absolute' },
    { name: 'execve', args: [argv[0], [...argv], envp], why: `the program ${argv[0]}` },
  ];
  const namespaces = [...unshareArguments(effectiveIdMap(rootfs.idMap)), '--mount'];
  return planAround([{ argv: [unshare, ...namespaces, '--', stubPath] }], inside);
}
