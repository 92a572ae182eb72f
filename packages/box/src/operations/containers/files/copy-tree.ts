import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  lchownSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type Stats,
  statfsSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';

/** A name in an open directory: no other path is ever looked up, so that nobody can put a symlink in the way. */
export interface Place {
  readonly directory: number;
  readonly name: Buffer;
}

export interface CopyHow {
  /** Told of what cannot be copied: devices, pipes, sockets, and /proc and its like. */
  readonly onSkipped: (name: string, what: string) => void;
  /** Keep the owners, instead of giving all to this process's own user. */
  readonly archive?: boolean;
}

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;
const O_PATH = 0o10_000_000;
/** proc, sysfs, cgroup, cgroup2: what is in them is no file. */
const kernelFileSystems = new Set([0x9fa0, 0x6265_6572, 0x27_e0eb, 0x6367_7270]);
const chunkSize = 1024 * 1024;

/** The path of a name in a directory that is open: the magic link of /proc leads to that very directory. */
export function pathOf({ directory, name }: Place): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${directory}/`), name]);
}

/**
 * Copies a file, a symlink or a directory with all below it: contents, modes and times. Directories are merged,
 * anything else that is there gives way. Throws what node:fs throws.
 */
export function copyTree(from: Place, to: Place, how: CopyHow): void {
  const stat = lstatSync(pathOf(from));
  if (stat.isDirectory()) return copyDirectory(from, to, how);
  if (stat.isSymbolicLink()) return copySymlink(from, to, stat, how);
  if (stat.isFile()) return copyFile(from, to, how);
  how.onSkipped(from.name.toString(), stat.isSocket() ? 'a socket' : stat.isFIFO() ? 'a pipe' : 'a device');
}

function copyDirectory(from: Place, to: Place, how: CopyHow): void {
  const source = openSync(pathOf(from), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    if (isKernelDirectory(source)) return how.onSkipped(from.name.toString(), 'a file system of the kernel');
    const made = makeDirectory(to);
    const target = openSync(pathOf(to), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      copyContents(source, target, how);
      if (made) keepAttributes(target, fstatSync(source), how);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

/** Whether an open directory is the kernel's, and what is in it no file. */
export function isKernelDirectory(fd: number): boolean {
  return kernelFileSystems.has(statfsSync(`/proc/self/fd/${fd}`).type);
}

/** Copies what lies in one open directory into another. */
export function copyContents(source: number, target: number, how: CopyHow): void {
  for (const name of readdirSync(`/proc/self/fd/${source}`, { encoding: 'buffer' })) {
    copyTree({ directory: source, name }, { directory: target, name }, how);
  }
}

/** Owner before mode: a change of the first takes setuid away. */
function keepAttributes(target: number, { uid, gid, mode, atime, mtime }: Stats, { archive }: CopyHow): void {
  if (archive === true) fchownSync(target, uid, gid);
  fchmodSync(target, mode & 0o7777);
  futimesSync(target, atime, mtime);
}

function makeDirectory(to: Place): boolean {
  const there = lstatSync(pathOf(to), { throwIfNoEntry: false });
  if (there?.isDirectory() === true) return false;
  if (there !== undefined) unlinkSync(pathOf(to));
  mkdirSync(pathOf(to), 0o700);
  return true;
}

function copySymlink(from: Place, to: Place, { atime, mtime, uid, gid }: Stats, { archive }: CopyHow): void {
  const target = readlinkSync(pathOf(from), { encoding: 'buffer' });
  makeWay(to);
  symlinkSync(target, pathOf(to));
  if (archive === true) lchownSync(pathOf(to), uid, gid);
  lutimesSync(pathOf(to), atime, mtime);
}

function copyFile(from: Place, to: Place, how: CopyHow): void {
  const source = openFile(from);
  try {
    makeWay(to);
    const target = openSync(pathOf(to), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      const buffer = Buffer.allocUnsafe(chunkSize);
      for (let length = readSync(source, buffer); length > 0; length = readSync(source, buffer)) {
        writeAll(target, buffer.subarray(0, length));
      }
      keepAttributes(target, fstatSync(source), how);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

/** Opens a regular file for reading, and nothing else. */
export function openFile(from: Place): number {
  // first without opening it: a device that took the file's place must not be touched
  const seen = openSync(pathOf(from), O_PATH | O_NOFOLLOW);
  try {
    if (!fstatSync(seen).isFile()) throw new Error(`${from.name.toString()} changed while it was copied`);
    return openSync(`/proc/self/fd/${seen}`, O_RDONLY);
  } finally {
    closeSync(seen);
  }
}

export function writeAll(fd: number, bytes: Uint8Array, position: number | null = null): void {
  for (let written = 0; written < bytes.length;) {
    const at = position === null ? null : position + written;
    written += writeSync(fd, bytes, written, bytes.length - written, at);
  }
}

/** Removes what is at a place, unless that is a directory. */
export function makeWay(to: Place): void {
  if (lstatSync(pathOf(to), { throwIfNoEntry: false }) !== undefined) unlinkSync(pathOf(to));
}
