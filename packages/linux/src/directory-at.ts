import { lstatSync, readdirSync, type BigIntStats } from 'node:fs';
import {
  atFlag,
  cString,
  currentDirectory,
  futimens,
  linkAt,
  mkdirAt,
  openAt,
  openFlag,
  readlinkAt,
  unlinkAt,
  utimensAt,
} from './fs-at.ts';
import { bind, check, lastErrno } from './libc.ts';

/**
 * Names inside an open directory, for walking trees whose contents are hostile: a name is one component and is
 * never followed, so nothing that a symlink or a second process puts there leads outside. Names are strings of
 * bytes (latin1). Those that return an errno do so by name (`ENOENT`), and undefined for success.
 */

const renameat2 = bind('int renameat2(int from, const void *old, int to, const void *new, unsigned int flags)');

const directoryFlags = openFlag.readOnly | openFlag.directory | openFlag.noFollow | openFlag.closeOnExec;
const RENAME_NOREPLACE = 1;

function named(name: string): Buffer {
  return Buffer.from(`${name}\0`, 'latin1');
}

function outcome(result: number): string | undefined {
  return result === -1 ? lastErrno() : undefined;
}

/** Opens a directory by an absolute path of the host's (its last component is not followed). */
export function openDirectory(path: string): number {
  return check(openAt(currentDirectory, Buffer.from(`${path}\0`), directoryFlags, 0), 'open', path);
}

/** Opens a directory in a directory. Gives the errno when there is none: ENOENT, ENOTDIR or ELOOP (a symlink), EACCES. */
export function openDirectoryAt(directory: number, name: string): number | string {
  const fd = openAt(directory, named(name), directoryFlags, 0);
  return fd === -1 ? lastErrno() : fd;
}

/** Moves a name. Without `replace` an existing target is EEXIST. */
export function moveName(
  from: number,
  name: string,
  to: number,
  newName: string,
  options: { readonly replace: boolean },
): string | undefined {
  return outcome(renameat2(from, named(name), to, named(newName), options.replace ? 0 : RENAME_NOREPLACE));
}

/** Removes a name that is no directory. */
export function removeName(directory: number, name: string): string | undefined {
  return outcome(unlinkAt(directory, named(name), 0));
}

/** Removes an empty directory. */
export function removeDirectory(directory: number, name: string): string | undefined {
  return outcome(unlinkAt(directory, named(name), atFlag.removeDirectory));
}

export function makeDirectory(directory: number, name: string, mode: number): string | undefined {
  return outcome(mkdirAt(directory, named(name), mode));
}

/** Gives a file a second name; a symlink is linked itself, not what it points to. */
export function linkName(from: number, name: string, to: number, newName: string): string | undefined {
  return outcome(linkAt(from, named(name), to, named(newName), 0));
}

/** A symlink's target as bytes (latin1); undefined when the name is no symlink or is not there. */
export function symlinkTarget(directory: number, name: string): string | undefined {
  const buffer = Buffer.allocUnsafe(4096);
  const length = readlinkAt(directory, named(name), buffer, buffer.length);
  return length === -1 ? undefined : buffer.toString('latin1', 0, length);
}

/** What a name is, not followed; undefined when it is not there. */
export function statName(directory: number, name: string): BigIntStats | undefined {
  return lstatSync(Buffer.from(`/proc/self/fd/${directory}/${name}`, 'latin1'), {
    bigint: true,
    throwIfNoEntry: false,
  });
}

/** The names in an open directory, as bytes (latin1), in no order. */
export function namesIn(directory: number): string[] {
  return readdirSync(`/proc/self/fd/${directory}`, 'latin1');
}

/** Sets both times of an open file, in nanoseconds since 1970. */
export function setTimes(fd: number, accessed: bigint, modified: bigint): void {
  check(futimens(fd, timespecs(accessed, modified)), 'futimens');
}

/** The same of what is at a path, not followed. Node's own calls keep microseconds at best. */
export function setTimesAt(path: string | Uint8Array, accessed: bigint, modified: bigint): void {
  const times = timespecs(accessed, modified);
  check(utimensAt(currentDirectory, cString(path), times, atFlag.symlinkNoFollow), 'utimensat', path);
}

function timespecs(accessed: bigint, modified: bigint): Buffer {
  const times = Buffer.alloc(32);
  [accessed, modified].forEach((time, index) => {
    const nanoseconds = ((time % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
    times.writeBigInt64LE((time - nanoseconds) / 1_000_000_000n, index * 16);
    times.writeBigInt64LE(nanoseconds, index * 16 + 8);
  });
  return times;
}

const lgetxattr = bind('long lgetxattr(const void *path, const void *name, void *value, unsigned long size)');
const valueBuffer = Buffer.alloc(256);

/** A short extended attribute (at most 256 bytes) of what is at a path; undefined when it has none. Much cheaper than an error. */
export function findXattr(path: Uint8Array, name: string): Buffer | undefined {
  const length = lgetxattr(Buffer.concat([path, Buffer.of(0)]), named(name), valueBuffer, valueBuffer.length);
  return length < 0 ? undefined : Buffer.from(valueBuffer.subarray(0, length));
}
