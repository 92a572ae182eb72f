import { bind, check } from './libc.ts';
import { cString } from './fs-at.ts';

/** Extended attributes, xattr(7). Values are bytes; names are text. Paths are never followed at their end. */

export const fsetxattr = bind(
  'int fsetxattr(int fd, const void *name, const void *value, unsigned long size, int flags)',
) as (fd: number, name: Uint8Array, value: Uint8Array, size: number, flags: number) => number;

export const lsetxattr = bind(
  'int lsetxattr(const void *path, const void *name, const void *value, unsigned long size, int flags)',
) as (path: Uint8Array, name: Uint8Array, value: Uint8Array, size: number, flags: number) => number;

const lgetxattr = bind('long lgetxattr(const void *path, const void *name, void *value, unsigned long size)') as (
  path: Uint8Array,
  name: Uint8Array,
  value: Uint8Array,
  size: number,
) => number;

const llistxattr = bind('long llistxattr(const void *path, void *list, unsigned long size)') as (
  path: Uint8Array,
  list: Uint8Array,
  size: number,
) => number;

const lremovexattr = bind('int lremovexattr(const void *path, const void *name)') as (
  path: Uint8Array,
  name: Uint8Array,
) => number;

/** The longest value and the longest list of names that the kernel has (XATTR_SIZE_MAX, XATTR_LIST_MAX). */
const longest = 65_536;

/** Sets one attribute of what is at `path`. Throws SystemCallError (ENOTSUP, EPERM ...). */
export function setXattr(path: string | Uint8Array, name: string, value: Uint8Array): void {
  // An empty view has no address that could be passed.
  const bytes = value.length === 0 ? Buffer.alloc(1) : value;
  check(lsetxattr(cString(path), cString(name), bytes, value.length, 0), 'lsetxattr', path);
}

/** The value of one attribute. Throws SystemCallError, ENODATA when there is none. */
export function getXattr(path: string | Uint8Array, name: string): Buffer {
  const value = Buffer.alloc(longest);
  const length = check(lgetxattr(cString(path), cString(name), value, longest), 'lgetxattr', path);
  return value.subarray(0, length);
}

/** The names of the attributes that the caller may see, unordered. */
export function listXattrs(path: string | Uint8Array): string[] {
  const list = Buffer.alloc(longest);
  const length = check(llistxattr(cString(path), list, longest), 'llistxattr', path);
  return list
    .toString('utf8', 0, length)
    .split('\0')
    .filter((name) => name !== '');
}

/** Removes one attribute. Throws SystemCallError, ENODATA when there is none. */
export function removeXattr(path: string | Uint8Array, name: string): void {
  check(lremovexattr(cString(path), cString(name)), 'lremovexattr', path);
}

const nameList = Buffer.alloc(longest);
const nameValue = Buffer.alloc(longest);

/**
 * All attributes of what is at `path` (NUL-terminated, not followed) whose names are `wanted`; undefined when there are
 * none, or the file system has no such thing, or there is no such path any more. For walks over many files: nothing is
 * allocated for a file without any.
 */
export function readXattrs(path: Uint8Array, wanted: (name: string) => boolean): Map<string, Uint8Array> | undefined {
  const length = llistxattr(path, nameList, longest);
  if (length <= 0) return undefined;
  const xattrs = new Map<string, Uint8Array>();
  for (const name of nameList.toString('latin1', 0, length).split('\0').toSorted()) {
    if (name === '' || !wanted(name)) continue;
    const size = lgetxattr(path, Buffer.from(`${name}\0`, 'latin1'), nameValue, longest);
    if (size >= 0) xattrs.set(name, Uint8Array.from(nameValue.subarray(0, size)));
  }
  return xattrs.size === 0 ? undefined : xattrs;
}
