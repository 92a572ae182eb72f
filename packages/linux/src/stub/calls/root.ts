import type { Rootfs, SystemCall } from '@boxkit/contracts';
import { AT_FDCWD, MNT_DETACH, MS_BIND, MS_PRIVATE, MS_REC } from '../constants.ts';
import { overlayMountCalls } from '../../overlay-mount.ts';
import { setNoDevices, setReadOnly } from './mount-attributes.ts';

/** Where the rootfs is on the host once `mountRoot` has been made. */
export function rootPath(rootfs: Rootfs): string {
  return rootfs.kind === 'directory' ? rootfs.path : rootfs.target;
}

/** Makes the rootfs a mount of its own, which no other mount namespace sees. */
export function mountRoot(rootfs: Rootfs): readonly SystemCall[] {
  const unshared: SystemCall = {
    name: 'mount',
    args: ['none', '/', null, MS_REC | MS_PRIVATE, null],
    why: 'no mount made here reaches the host',
  };
  const noDevices = setNoDevices({
    at: AT_FDCWD,
    path: rootPath(rootfs),
    why: 'devices of the image mean nothing',
    recursive: true,
  });
  if (rootfs.kind === 'overlay') return [unshared, ...labelResults(overlayMountCalls(rootfs)), noDevices];
  return [
    unshared,
    {
      name: 'mount',
      args: [rootfs.path, rootfs.path, null, MS_BIND | MS_REC, null],
      why: 'the rootfs becomes a mount of its own',
    },
    noDevices,
  ];
}

/** Makes the rootfs the root, and takes the host's out of the mount namespace. */
export function pivotRoot(path: string): readonly SystemCall[] {
  return [
    { name: 'chdir', args: [path], why: 'the new root' },
    { name: 'pivot_root', args: ['.', '.'], why: 'the rootfs becomes the root, the old root lies on top of it' },
    { name: 'umount2', args: ['.', MNT_DETACH], why: "take the host's root away" },
    { name: 'chdir', args: ['/'], why: "the container's root" },
  ];
}

/** Enters the rootfs by chroot(2), which leaves the host's root in reach of who may chroot again. */
export function changeRoot(path: string): readonly SystemCall[] {
  return [
    { name: 'chroot', args: [path], why: 'the rootfs becomes the root of this process' },
    { name: 'chdir', args: ['/'], why: "the container's root" },
  ];
}

/** Makes the root read-only; mounts below it keep their own mode. */
export function makeRootReadOnly(): SystemCall {
  return setReadOnly({ at: AT_FDCWD, path: '/', why: 'a read-only rootfs was asked for', recursive: false });
}

/** Names results by label that a list names by position, so that it can stand anywhere. */
function labelResults(calls: readonly SystemCall[]): readonly SystemCall[] {
  return calls.map((call, position) => ({
    ...call,
    label: call.label ?? `overlay ${position}`,
    args: call.args.map((argument) =>
      typeof argument === 'object' && argument !== null && 'result' in argument && typeof argument.result === 'number'
        ? { result: calls[argument.result]?.label ?? `overlay ${argument.result}` }
        : argument,
    ),
  }));
}
