import type { Bundle } from '@boxkit/contracts';
import { hasDevices, inspectVolumes, rootPath, stagedVolumes } from '@boxkit/linux';

/** bwrap(1)'s options for a bundle, up to the command. */
export function bubblewrapArguments(
  bundle: Bundle,
  { ownUserNamespace }: { readonly ownUserNamespace: boolean },
): readonly string[] {
  return [
    ...(ownUserNamespace ? ['--unshare-user', '--uid', '0', '--gid', '0'] : []),
    ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    ...(bundle.network === 'host' ? [] : ['--unshare-net']),
    ...['--hostname', bundle.hostname],
    ...['--bind', rootPath(bundle.rootfs), '/', '--proc', '/proc', '--dev', '/dev'],
    ...volumeArguments(bundle),
    // the stub takes the capabilities away again, when it has done what needs them
    ...['--cap-add', 'ALL', '--as-pid-1', '--die-with-parent', '--'],
  ];
}

/** Volumes go to a place that the image has no say in; the stub moves them from there. */
function volumeArguments(bundle: Bundle): readonly string[] {
  return inspectVolumes(bundle).flatMap(({ mount }, at) => {
    const { type, source } = mount;
    if (type !== 'bind' || source === undefined) return [];
    return [hasDevices(mount) ? '--dev-bind' : '--bind', source, `${stagedVolumes}/${at}`];
  });
}
