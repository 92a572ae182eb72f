import { chmodSync, closeSync, constants, fstatSync, openSync, type BigIntStats } from 'node:fs';
import { basename, dirname } from 'node:path';
import { openDirectory, openDirectoryAt, moveName, SystemCallError } from '@boxkit/linux';

/** An open directory, and what it was before it was made writable for the merge. */
export interface OpenDirectory {
  readonly fd: number;
  readonly stat: BigIntStats;
}

const ownerAll = 0o700;
// Node does not name O_PATH; it is the same on every architecture that Node runs on but sparc and alpha.
const O_PATH = 0o10000000;

/**
 * Opens a directory so that names in it can be changed. Root may always; another user's own directory of mode 0555 is
 * opened up first, and `stat` tells what to restore. Gives the errno when the name is no directory.
 */
export function openForChange(parent: number, name: string): OpenDirectory | string {
  let fd = openDirectoryAt(parent, name);
  let before: BigIntStats | undefined;
  if (fd === 'EACCES') {
    before = allowOwner(parent, name);
    fd = openDirectoryAt(parent, name);
  }
  if (typeof fd === 'string') return fd;
  const stat = before ?? fstatSync(fd, { bigint: true });
  if (before === undefined && !mayAlways() && (Number(stat.mode) & ownerAll) !== ownerAll) {
    chmodSync(`/proc/self/fd/${fd}`, (Number(stat.mode) & 0o7777) | ownerAll);
  }
  return { fd, stat };
}

/** The same of a directory of the host's, by its path. Throws where there is none. */
export function openPathForChange(path: string): OpenDirectory {
  const parent = openDirectory(dirname(path));
  try {
    const opened = openForChange(parent, Buffer.from(basename(path)).toString('latin1'));
    if (typeof opened === 'string') throw new SystemCallError('open', opened, path);
    return opened;
  } finally {
    closeSync(parent);
  }
}

/** Closes a directory that was opened for a change, with the mode that it had. */
export function closeAsBefore({ fd, stat }: OpenDirectory): void {
  const before = Number(stat.mode) & 0o7777;
  if (!mayAlways() && (before & ownerAll) !== ownerAll) chmodSync(`/proc/self/fd/${fd}`, before);
  closeSync(fd);
}

/** Moves a name to another directory. A directory's own `..` changes with it, which its mode may forbid to a user: see openForChange. */
export function moveAt(from: number, name: string, to: number, newName: string, replace: boolean): string | undefined {
  const errno = moveName(from, name, to, newName, { replace });
  if (errno !== 'EACCES' || mayAlways()) return errno;
  const before = allowOwner(from, name);
  if (before === undefined) return errno;
  const again = moveName(from, name, to, newName, { replace });
  setMode(again === undefined ? to : from, again === undefined ? newName : name, Number(before.mode) & 0o7777);
  return again;
}

/** Opens a directory that the walk has seen before, component by component; no symlink is followed. */
export function openBelow(root: number, path: string): number | string {
  let fd = openDirectoryAt(root, '.');
  if (path === '') return fd;
  for (const name of path.split('/')) {
    if (typeof fd === 'string') return fd;
    const next: number | string = openDirectoryAt(fd, name);
    closeSync(fd);
    fd = next;
  }
  return fd;
}

/** Whether permission bits bind this process at all. */
export function mayAlways(): boolean {
  return process.geteuid?.() === 0;
}

function allowOwner(parent: number, name: string): BigIntStats | undefined {
  return withPath(parent, name, (path, stat) => {
    chmodSync(path, (Number(stat.mode) & 0o7777) | ownerAll);
    return stat;
  });
}

function setMode(parent: number, name: string, mode: number): void {
  withPath(parent, name, (path) => chmodSync(path, mode));
}

/** Acts on the very inode: opened without following, then named through /proc, so that no swap can redirect a chmod. */
function withPath<Result>(
  parent: number,
  name: string,
  act: (path: string, stat: BigIntStats) => Result,
): Result | undefined {
  const fd = openSync(
    Buffer.from(`/proc/self/fd/${parent}/${name}`, 'latin1'),
    O_PATH | constants.O_NOFOLLOW | constants.O_DIRECTORY,
  );
  try {
    return act(`/proc/self/fd/${fd}`, fstatSync(fd, { bigint: true }));
  } finally {
    closeSync(fd);
  }
}

/** Throws for an errno that the merge cannot live with. */
export function must(errno: string | undefined, syscall: string, path: string): void {
  if (errno !== undefined) throw new SystemCallError(syscall, errno, Buffer.from(path, 'latin1'));
}
