import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
} from 'node:fs';
import { FileInput, normalizeName, TarReader, type TarEntry, TarType } from '@boxkit/layer-applier';
import { check, deviceNumber, mknodAt, SystemCallError } from '@boxkit/linux';
import { type CopyHow, makeWay, pathOf, type Place, writeAll } from './copy-tree.ts';
import type { Side } from './copy-sides.ts';
import { openDirectoryIn } from './open-inside.ts';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;
const headerBytes = 1024 * 1024;

/**
 * Puts what a tar (any dialect, not compressed) holds into a directory that is there, as docker cp has it: directories
 * are merged, everything else gives way; symlinks on the way are followed inside of the root only. Throws
 * ERR_BOX_LAYER_INVALID and ERR_BOX_LAYER_UNSAFE for a bad tar, and Error.
 */
export function unpackTar(input: number, to: Side, how: CopyHow): void {
  closeSync(openDirectoryIn(to.root, to.path));
  const tar = new TarReader(new FileInput(input, 'sha256', () => {}), { headerBytes, onExtendedHeader: () => {} });
  const directories = new Map<string, Pick<TarEntry, 'mode' | 'seconds'>>();
  for (let entry = tar.next(); entry !== undefined; entry = tar.next()) {
    const name = normalizeName(entry.name);
    if (name === '') continue;
    using parent = openParentOf(to, name);
    if (entry.type === TarType.directory) {
      if (unpackDirectory(parent.place, entry, how))
        directories.set(name, { mode: entry.mode, seconds: entry.seconds });
    } else unpackOther(tar, parent.place, { entry, to, how });
  }
  tar.drain();
  // What was put into them changed their times, and a mode may forbid that.
  for (const [name, { mode, seconds }] of [...directories].toReversed()) {
    using parent = openParentOf(to, name);
    // never through a symlink that something inside has put there meanwhile
    const fd = openSync(pathOf(parent.place), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      fchmodSync(fd, mode & 0o7777);
      futimesSync(fd, seconds, seconds);
    } finally {
      closeSync(fd);
    }
  }
}

/** False when a symlink to a directory stands for it, whose attributes are not the tar's. */
function unpackDirectory(place: Place, entry: TarEntry, { archive }: CopyHow): boolean {
  const there = lstatSync(pathOf(place), { throwIfNoEntry: false });
  if (there?.isSymbolicLink() === true) return false;
  if (there?.isDirectory() === true) return true;
  if (there !== undefined) throw new Error(`${entry.name} is there, and no directory`);
  mkdirSync(pathOf(place), 0o700);
  if (archive === true) lchownSync(pathOf(place), entry.uid, entry.gid);
  return true;
}

interface Unpacking {
  readonly entry: TarEntry;
  readonly to: Side;
  readonly how: CopyHow;
}

function unpackOther(tar: TarReader, place: Place, { entry, to, how }: Unpacking): void {
  const there = lstatSync(pathOf(place), { throwIfNoEntry: false });
  if (there?.isDirectory() === true) throw new Error(`${entry.name} is there, and a directory`);
  switch (entry.type) {
    case TarType.file:
      return unpackFile(tar, place, entry, how);
    case TarType.symlink:
      makeWay(place);
      symlinkSync(Buffer.from(entry.link, 'latin1'), pathOf(place));
      if (how.archive === true) lchownSync(pathOf(place), entry.uid, entry.gid);
      return lutimesSync(pathOf(place), entry.seconds, entry.seconds);
    case TarType.hardlink: {
      using target = openParentOf(to, normalizeName(entry.link));
      makeWay(place);
      return linkSync(pathOf(target.place), pathOf(place));
    }
    case TarType.characterDevice:
    case TarType.blockDevice:
    case TarType.fifo:
      return unpackNode(place, entry, how);
    default:
      how.onSkipped(entry.name, `of a type (${String.fromCodePoint(entry.type)}) that is not known`);
  }
}

function unpackFile(tar: TarReader, place: Place, entry: TarEntry, { archive }: CopyHow): void {
  makeWay(place);
  const fd = openSync(pathOf(place), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    for (const { offset, length } of entry.segments ?? [{ offset: 0, length: entry.size }]) {
      for (let written = 0; written < length;) {
        const bytes = tar.read(length - written);
        writeAll(fd, bytes, offset + written);
        written += bytes.length;
      }
    }
    if (entry.segments !== undefined) ftruncateSync(fd, entry.size);
    if (archive === true) fchownSync(fd, entry.uid, entry.gid);
    fchmodSync(fd, entry.mode & 0o7777);
    futimesSync(fd, entry.seconds, entry.seconds);
  } finally {
    closeSync(fd);
  }
}

const typeBits = new Map<number, number>([
  [TarType.characterDevice, constants.S_IFCHR],
  [TarType.blockDevice, constants.S_IFBLK],
  [TarType.fifo, constants.S_IFIFO],
]);

function unpackNode(place: Place, entry: TarEntry, how: CopyHow): void {
  makeWay(place);
  try {
    const mode = (typeBits.get(entry.type) ?? 0) | (entry.mode & 0o7777);
    const name = Buffer.concat([place.name, Buffer.of(0)]);
    check(mknodAt(place.directory, name, mode, deviceNumber(entry.major, entry.minor)), 'mknodat', entry.name);
    if (how.archive === true) lchownSync(pathOf(place), entry.uid, entry.gid);
  } catch (error) {
    if (!(error instanceof SystemCallError) || error.errno !== 'EPERM') throw error;
    how.onSkipped(entry.name, 'a device, which takes root to make,');
  }
}

/** The place of a name below the target, whose missing parents are made. */
function openParentOf({ root, path }: Side, name: string): Disposable & { readonly place: Place } {
  const parts = name.split('/');
  const last = Buffer.from(parts.pop() ?? '', 'latin1');
  let at = Buffer.from(path);
  let directory = openDirectoryIn(root, at);
  for (const part of parts) {
    const child = Buffer.from(part, 'latin1');
    at = Buffer.concat([at, Buffer.from('/'), child]);
    const next = openOrMake(root, at, { directory, name: child });
    closeSync(directory);
    directory = next;
  }
  return { place: { directory, name: last }, [Symbol.dispose]: () => closeSync(directory) };
}

function openOrMake(root: number, path: Buffer, place: Place): number {
  try {
    return openDirectoryIn(root, path);
  } catch (error) {
    if (!(error instanceof SystemCallError) || error.errno !== 'ENOENT') throw error;
    mkdirSync(pathOf(place), 0o755);
    return openDirectoryIn(root, path);
  }
}
