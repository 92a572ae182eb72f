import type { Rootfs, SystemCall } from '@boxkit/contracts';
import { MNT_DETACH, MS_BIND, MS_PRIVATE, MS_RDONLY, MS_REC, MS_REMOUNT } from '../constants.ts';
import { overlayMountCalls } from '../../overlay-mount.ts';

/** Where the rootfs is on the host once `mountRoot` has been made. */
export function rootPath(rootfs: Rootfs): string {
  return rootfs.kind === 'directory' ? rootfs.path : rootfs.target;
}

/** Makes the rootfs a mount of its own, which no other mount namespace sees. Stands first in its list. */
export function mountRoot(rootfs: Rootfs): readonly SystemCall[] {
  const unshared: SystemCall = {
    name: 'mount',
    args: ['none', '/', null, MS_REC | MS_PRIVATE, null],
    why: 'no mount made here reaches the host',
  };
  if (rootfs.kind === 'overlay') return [unshared, ...overlayMountCalls(rootfs, { position: 1 })];
  return [
    unshared,
    {
      name: 'mount',
      args: [rootfs.path, rootfs.path, null, MS_BIND | MS_REC, null],
      why: 'the rootfs becomes a mount of its own',
    },
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
export function remountReadOnly(flags: number): SystemCall {
  return {
    name: 'mount',
    args: [null, '/', null, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, null],
    why: 'a read-only rootfs was asked for',
  };
}
