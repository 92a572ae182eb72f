import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  futimesSync,
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

/** Told of what cannot be copied: devices, pipes, sockets, and /proc and its like. */
export type OnSkipped = (name: string, what: string) => void;

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
 * Copies a file, a symlink or a directory with all below it: contents, modes and times; what it makes belongs to the
 * caller. Directories are merged, anything else that is there gives way. Throws what node:fs throws.
 */
export async function copyTree(from: Place, to: Place, onSkipped: OnSkipped, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const stat = lstatSync(pathOf(from));
  if (stat.isDirectory()) return copyDirectory(from, to, onSkipped, signal);
  if (stat.isSymbolicLink()) return copySymlink(from, to, stat);
  if (stat.isFile()) return copyFile(from, to);
  onSkipped(from.name.toString(), stat.isSocket() ? 'a socket' : stat.isFIFO() ? 'a pipe' : 'a device');
}

async function copyDirectory(from: Place, to: Place, onSkipped: OnSkipped, signal?: AbortSignal): Promise<void> {
  const source = openSync(pathOf(from), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    if (kernelFileSystems.has(statfsSync(`/proc/self/fd/${source}`).type)) {
      return onSkipped(from.name.toString(), 'a file system of the kernel');
    }
    const made = makeDirectory(to);
    const target = openSync(pathOf(to), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      await copyContents(source, target, onSkipped, signal);
      const { mode, atime, mtime } = fstatSync(source);
      if (made) fchmodSync(target, mode & 0o7777);
      if (made) futimesSync(target, atime, mtime);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

/** Copies what lies in one open directory into another. */
export async function copyContents(
  source: number,
  target: number,
  onSkipped: OnSkipped,
  signal?: AbortSignal,
): Promise<void> {
  for (const name of readdirSync(`/proc/self/fd/${source}`, { encoding: 'buffer' })) {
    await copyTree({ directory: source, name }, { directory: target, name }, onSkipped, signal);
  }
}

function makeDirectory(to: Place): boolean {
  const there = lstatSync(pathOf(to), { throwIfNoEntry: false });
  if (there?.isDirectory() === true) return false;
  if (there !== undefined) unlinkSync(pathOf(to));
  mkdirSync(pathOf(to), 0o700);
  return true;
}

function copySymlink(from: Place, to: Place, { atime, mtime }: Stats): void {
  const target = readlinkSync(pathOf(from), { encoding: 'buffer' });
  makeWay(to);
  symlinkSync(target, pathOf(to));
  lutimesSync(pathOf(to), atime, mtime);
}

function copyFile(from: Place, to: Place): void {
  // first without opening it: a device that took the file's place must not be touched
  const seen = openSync(pathOf(from), O_PATH | O_NOFOLLOW);
  try {
    if (!fstatSync(seen).isFile()) throw new Error(`${from.name.toString()} changed while it was copied`);
    const source = openSync(`/proc/self/fd/${seen}`, O_RDONLY);
    try {
      writeFile(source, to);
    } finally {
      closeSync(source);
    }
  } finally {
    closeSync(seen);
  }
}

function writeFile(source: number, to: Place): void {
  makeWay(to);
  const target = openSync(pathOf(to), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    const buffer = Buffer.allocUnsafe(chunkSize);
    for (let length = readSync(source, buffer); length > 0; length = readSync(source, buffer)) {
      for (let written = 0; written < length;) written += writeSync(target, buffer, written, length - written);
    }
    const { mode, atime, mtime } = fstatSync(source);
    fchmodSync(target, mode & 0o7777);
    futimesSync(target, atime, mtime);
  } finally {
    closeSync(target);
  }
}

function makeWay(to: Place): void {
  if (lstatSync(pathOf(to), { throwIfNoEntry: false }) !== undefined) unlinkSync(pathOf(to));
}
