import { getXattr, listXattrs, removeXattr, setXattr, SystemCallError } from '@boxkit/linux';

/** A label that the kernel gives to every file; it is no part of an image, and not ours to take off. */
const kernelOwned = 'security.selinux';

/** Gives an open directory exactly the extended attributes of another one. */
export function replaceXattrs(from: number, to: number): void {
  const [source, target] = [pathOf(from), pathOf(to)];
  const wanted = new Set(xattrNames(source));
  for (const name of xattrNames(target)) if (!wanted.has(name)) removeXattr(target, name);
  for (const name of wanted) setXattr(target, name, getXattr(source, name));
}

/** The directory itself: the closing dot makes the kernel go through the link in /proc, which xattr calls do not follow. */
function pathOf(fd: number): string {
  return `/proc/self/fd/${fd}/.`;
}

function xattrNames(path: string): string[] {
  try {
    return listXattrs(path).filter((name) => name !== kernelOwned);
  } catch (error) {
    // A file system without extended attributes.
    if (error instanceof SystemCallError && error.errno === 'ENOTSUP') return [];
    throw error;
  }
}
