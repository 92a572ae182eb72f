import { bind } from './libc.ts';

/**
 * File system calls relative to a directory's descriptor, which Node lacks: a name is looked up in that very
 * directory, whatever happens to the path that once led to it. Each returns what the system call returns, -1 for a
 * failure (`lastErrno()` says which); wrap in `check` to have it thrown. Names are NUL-terminated bytes, see `cString`.
 */

/** Flags of open(2) that Node's constants lack, or that differ between its platforms. */
export const openFlag = {
  readOnly: 0,
  writeOnly: 1,
  create: 0o100,
  exclusive: 0o200,
  truncate: 0o1000,
  nonBlock: 0o4000,
  /** aarch64 and arm have other numbers than the rest for these two. */
  directory: process.arch === 'arm64' || process.arch === 'arm' ? 0o40000 : 0o200000,
  noFollow: process.arch === 'arm64' || process.arch === 'arm' ? 0o100000 : 0o400000,
  closeOnExec: 0o2000000,
  path: 0o10000000,
} as const;

/** Flags of the `...at` calls. */
export const atFlag = {
  /** Do not follow the last component when it is a symlink. */
  symlinkNoFollow: 0x100,
  /** unlinkAt removes a directory. */
  removeDirectory: 0x200,
  /** The name may be empty: the descriptor itself is meant. */
  emptyPath: 0x1000,
} as const;

/** The directory argument that means: relative to the working directory. */
export const currentDirectory = -100;

type Name = Uint8Array;

export const openAt = bind('int openat(int dir, const void *name, int flags, unsigned int mode)') as (
  directory: number,
  name: Name,
  flags: number,
  mode: number,
) => number;

export const mkdirAt = bind('int mkdirat(int dir, const void *name, unsigned int mode)') as (
  directory: number,
  name: Name,
  mode: number,
) => number;

export const symlinkAt = bind('int symlinkat(const void *target, int dir, const void *name)') as (
  target: Name,
  directory: number,
  name: Name,
) => number;

/** Never follows a symlink at the end of `oldName` (flags 0). */
export const linkAt = bind(
  'int linkat(int oldDir, const void *oldName, int newDir, const void *newName, int flags)',
) as (oldDirectory: number, oldName: Name, newDirectory: number, newName: Name, flags: number) => number;

export const unlinkAt = bind('int unlinkat(int dir, const void *name, int flags)') as (
  directory: number,
  name: Name,
  flags: number,
) => number;

/** `mode` holds the type bits (S_IFCHR ...); `device` is made by deviceNumber. */
export const mknodAt = bind('int mknodat(int dir, const void *name, unsigned int mode, unsigned long device)') as (
  directory: number,
  name: Name,
  mode: number,
  device: number | bigint,
) => number;

export const chownAt = bind(
  'int fchownat(int dir, const void *name, unsigned int uid, unsigned int gid, int flags)',
) as (directory: number, name: Name, uid: number, gid: number, flags: number) => number;

/** Follows symlinks, as the kernel's call has no other way: use only on what was just made and is none. */
export const chmodAt = bind('int fchmodat(int dir, const void *name, unsigned int mode, int flags)') as (
  directory: number,
  name: Name,
  mode: number,
  flags: number,
) => number;

/** `times` is a timespec pair, see writeTimes. */
export const utimensAt = bind('int utimensat(int dir, const void *name, const void *times, int flags)') as (
  directory: number,
  name: Name,
  times: Uint8Array,
  flags: number,
) => number;

/** Returns the length of the target; a result as long as the buffer may be cut off. */
export const readlinkAt = bind('long readlinkat(int dir, const void *name, void *buffer, long size)') as (
  directory: number,
  name: Name,
  buffer: Uint8Array,
  size: number,
) => number;

export const fchown = bind('int fchown(int fd, unsigned int uid, unsigned int gid)') as (
  fd: number,
  uid: number,
  gid: number,
) => number;

export const fchmod = bind('int fchmod(int fd, unsigned int mode)') as (fd: number, mode: number) => number;

/** `times` is a timespec pair, see writeTimes. */
export const futimens = bind('int futimens(int fd, const void *times)') as (fd: number, times: Uint8Array) => number;

export const ftruncate = bind('int ftruncate64(int fd, int64_t length)') as (fd: number, length: number) => number;

/** May write less than asked. */
export const write = bind('long write(int fd, const void *bytes, long count)') as (
  fd: number,
  bytes: Uint8Array,
  count: number,
) => number;

/** May write less than asked. */
export const pwrite = bind('long pwrite64(int fd, const void *bytes, long count, int64_t offset)') as (
  fd: number,
  bytes: Uint8Array,
  count: number,
  offset: number,
) => number;

const lseek = bind('int64_t lseek64(int fd, int64_t offset, int whence)');
const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/** Where the next data, or the next hole, of an open file is at or after `offset`; -1 when there is none. lseek(2). */
export const nextData = (fd: number, offset: number): number => lseek(fd, offset, SEEK_DATA);
export const nextHole = (fd: number, offset: number): number => lseek(fd, offset, SEEK_HOLE);

export const close = bind('int close(int fd)') as (fd: number) => number;

const rawSyscallOpenat2 = bind(
  'long syscall(long number, int dir, const void *name, const void *how, unsigned long size)',
) as (number: number, directory: number, name: Name, how: Uint8Array, size: number) => number;

const openat2Number = 437;
const resolveNoMagicLinks = 0x02;
const resolveNoSymlinks = 0x04;
const resolveBeneath = 0x08;
const how = new BigUint64Array(3);
const howBytes = new Uint8Array(how.buffer);

/**
 * openat2(2): opens `name`, which may have many components, refusing to leave `directory` and to follow any symlink
 * on the way (ELOOP, EXDEV). ENOSYS before Linux 5.6, EPERM under old seccomp filters.
 */
export function openBeneath(directory: number, name: Name, flags: number): number {
  how[0] = BigInt(flags);
  how[1] = 0n;
  how[2] = BigInt(resolveBeneath | resolveNoSymlinks | resolveNoMagicLinks);
  return rawSyscallOpenat2(openat2Number, directory, name, howBytes, howBytes.length);
}

/** A name as the calls above take it: its bytes and a closing NUL. A string is UTF-8. */
export function cString(name: string | Uint8Array): Buffer {
  return Buffer.concat([typeof name === 'string' ? Buffer.from(name) : name, Buffer.of(0)]);
}

/** Access and modification time as the pair of timespecs that futimens and utimensAt read; `times` holds 32 bytes. */
export function writeTimes(times: DataView, seconds: number, nanoseconds: number): void {
  for (let at = 0; at < 32; at += 16) {
    times.setInt32(at, seconds | 0, true);
    times.setInt32(at + 4, Math.floor(seconds / 2 ** 32), true);
    times.setInt32(at + 8, nanoseconds, true);
    times.setInt32(at + 12, 0, true);
  }
}

/** A dev_t of its two halves, as glibc's makedev. */
export function deviceNumber(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return (low & 0xffn) | ((high & 0xfffn) << 8n) | ((low & ~0xffn) << 12n) | ((high & ~0xfffn) << 32n);
}
