import { BoxError, type IdMap, type Rootfs, type SystemCall } from '@boxkit/contracts';
import { CLONE_NEWNS, findProgram, overlayCalls, stubPath, unshareArguments, type HostProgram } from '@boxkit/linux';

/**
 * bwrap, and what must stand around it: a mount namespace for an overlay, which bwrap before 0.11 cannot mount, and a
 * user namespace for subordinate ids, which bwrap never maps.
 */
export function outerPrograms(rootfs: Rootfs, idMap: IdMap, bwrap: HostProgram): readonly HostProgram[] {
  const mounts = overlayCalls(rootfs);
  if (idMap.kind === 'host') {
    const unshared: SystemCall = { name: 'unshare', args: [CLONE_NEWNS], why: 'the overlay ends with the container' };
    return [mounts.length === 0 ? bwrap : { ...bwrap, before: [unshared, ...mounts] }];
  }
  if (idMap.kind === 'single' && mounts.length === 0) return [bwrap];
  const unshare = findProgram('unshare');
  if (unshare === undefined) {
    throw new BoxError('ERR_BOX_BACKEND_UNAVAILABLE', 'cannot isolate with bubblewrap: there is no program unshare', {
      hint: 'Install util-linux.',
    });
  }
  return [{ argv: [unshare, ...unshareArguments(idMap), '--mount', '--', stubPath] }, { ...bwrap, before: mounts }];
}
