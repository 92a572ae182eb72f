import { constants, lstatSync, openSync, readlinkSync, type BigIntStats } from 'node:fs';
import {
  lastErrno,
  namesIn,
  openAt,
  openDirectoryAt,
  openFlag,
  readXattrs,
  statName,
  symlinkTarget,
} from '@boxkit/linux';
import { joinPath, type BytePath } from '../byte-path.ts';
import type { EntryType } from '../layer-index/layer-entry.ts';
import type { PackedEntry } from './packed-entry.ts';
import { PackFailure } from './pack-failure.ts';

/** Something in a directory that is being packed. */
export interface FoundEntry extends PackedEntry {
  readonly type: Exclude<EntryType, 'whiteout' | 'opaque' | 'hardlink'>;
  /** One file however many names it has: device and inode. */
  readonly inode: string;
  /** How many names it has, here and elsewhere. */
  readonly names: number;
  /** When anything about it changed last, in milliseconds since 1970. */
  readonly changed: bigint;
}

/** An open directory of the tree, by its descriptor: no name of it is looked up twice, whatever happens to it meanwhile. */
export interface FoundDirectory {
  readonly fd: number;
  readonly path: BytePath;
}

export interface FindOptions {
  /** Called for each socket, which no tar can hold. */
  readonly onSocket: (path: BytePath) => void;
}

/** Attributes that mean nothing elsewhere: what the kernel of one machine says of its own files. */
const machineXattr =
  /^(?:security\.(?:selinux|ima|evm|apparmor|SMACK\w*)|system\.(?:nfs4_acl|nfs4acl_xattr|cifs_acl))$/;
const ownXattr = (name: string): boolean => !machineXattr.test(name);

const fileFlags = openFlag.readOnly | openFlag.noFollow | openFlag.nonBlock | openFlag.closeOnExec;

/** The names of a directory, sorted by their bytes. */
export function sortedNames({ fd, path }: FoundDirectory): string[] {
  try {
    return namesIn(fd).toSorted();
  } catch (error) {
    throw PackFailure.of(path, error);
  }
}

/** What one name is; undefined for a socket, and for one that has gone. */
export function findEntry(directory: FoundDirectory, name: string, options: FindOptions): FoundEntry | undefined {
  const { fd } = directory;
  const path = joinPath(directory.path, name);
  const stat = statName(fd, name);
  if (stat === undefined) return undefined;
  const type = typeOf(stat);
  if (type === undefined) {
    options.onSocket(path);
    return undefined;
  }
  const link = type === 'symlink' ? symlinkTarget(fd, name) : '';
  if (link === undefined) return undefined;
  const found = describe(stat, type, { path, link, place: `/proc/self/fd/${fd}/${name}` });
  return type === 'file' && stat.size > 0n ? { ...found, open: () => openContent(fd, name, path) } : found;
}

/** The directory at the root of a tree. */
export function findRoot({ fd }: FoundDirectory): FoundEntry {
  const stat = statName(fd, '.');
  if (stat === undefined) throw PackFailure.of('' as BytePath, 'ENOENT');
  return describe(stat, 'directory', { path: '' as BytePath, link: '', place: `/proc/self/fd/${fd}/.` });
}

/** What is at an absolute path of the host, as bytes (latin1), in a tree that nothing changes. */
export function findAt(place: string, path: BytePath): FoundEntry | undefined {
  const bytes = Buffer.from(place, 'latin1');
  const stat = lstatSync(bytes, { bigint: true, throwIfNoEntry: false });
  const type = stat === undefined ? undefined : typeOf(stat);
  if (stat === undefined || type === undefined) return undefined;
  const link = type === 'symlink' ? readlinkSync(bytes, 'latin1') : '';
  const found = describe(stat, type, { path, link, place });
  return type === 'file' && stat.size > 0n ? { ...found, open: () => openPlace(bytes, path) } : found;
}

function openPlace(place: Buffer, path: BytePath): number {
  try {
    return openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    throw PackFailure.of(path, error);
  }
}

function describe(
  stat: BigIntStats,
  type: FoundEntry['type'],
  { path, link, place }: { readonly path: BytePath; readonly link: string; readonly place: string },
): FoundEntry {
  const isDevice = type === 'character-device' || type === 'block-device';
  const nanoseconds = ((stat.mtimeNs % second) + second) % second;
  return {
    path,
    type,
    mode: Number(stat.mode & 0o7777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: type === 'file' ? Number(stat.size) : 0,
    mtime: { seconds: Number((stat.mtimeNs - nanoseconds) / second), nanoseconds: Number(nanoseconds) },
    link: link as BytePath,
    major: isDevice ? majorOf(stat.rdev) : 0,
    minor: isDevice ? minorOf(stat.rdev) : 0,
    xattrs: readXattrs(Buffer.from(`${place}\0`, 'latin1'), ownXattr),
    inode: `${stat.dev}:${stat.ino}`,
    names: Number(stat.nlink),
    changed: stat.ctimeMs,
  };
}

const second = 1_000_000_000n;

/** Opens a directory of a directory; undefined when it has gone, or something else has taken its place. */
export function openFound(parent: FoundDirectory, name: string): FoundDirectory | undefined {
  const path = joinPath(parent.path, name);
  const fd = openDirectoryAt(parent.fd, name);
  if (typeof fd === 'number') return { fd, path };
  if (isGone(fd)) return undefined;
  throw PackFailure.of(path, fd);
}

function openContent(directory: number, name: string, path: BytePath): number | undefined {
  const fd = openAt(directory, Buffer.from(`${name}\0`, 'latin1'), fileFlags, 0);
  if (fd !== -1) return fd;
  const errno = lastErrno();
  if (isGone(errno)) return undefined;
  throw PackFailure.of(path, errno);
}

/** ELOOP and ENOTDIR: a symlink, or a file, is there now. */
function isGone(errno: string): boolean {
  return errno === 'ENOENT' || errno === 'ELOOP' || errno === 'ENOTDIR' || errno === 'ENXIO';
}

function typeOf(stat: BigIntStats): FoundEntry['type'] | undefined {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isCharacterDevice()) return 'character-device';
  if (stat.isBlockDevice()) return 'block-device';
  return stat.isFIFO() ? 'fifo' : undefined;
}

/** glibc's encoding of a device number, makedev(3). */
const majorOf = (device: bigint): number => Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn));
const minorOf = (device: bigint): number => Number((device & 0xffn) | ((device >> 12n) & 0xfff_ff00n));
