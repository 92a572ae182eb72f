import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type Stats,
} from 'node:fs';
import { basename } from 'node:path';
import { encodeEntry, type EncodedEntry, endOfTar, padding, pathFromBytes } from '@boxkit/layer-applier';
import { getXattr, listXattrs } from '@boxkit/linux';
import { isContents, openSource, type Side } from './copy-sides.ts';
import { type CopyHow, isKernelDirectory, openFile, pathOf, type Place, writeAll } from './copy-tree.ts';
import { openDirectoryIn } from './open-inside.ts';

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;
const chunkSize = 1024 * 1024;

/**
 * Writes a tar of a file or of a directory with all below it, under its own name (`DIR/.`: under `.`): as docker cp has
 * it. Owners are the container's ids; hardlinks, devices and xattrs are kept. Throws Error.
 */
export function packTree(from: Side, out: number, how: CopyHow & { readonly followLink?: boolean }): void {
  const packer = new Packer(out, how);
  if (isContents(from.path)) {
    const directory = openDirectoryIn(from.root, from.path);
    try {
      packer.directory(directory, Buffer.from('.'));
    } finally {
      closeSync(directory);
    }
  } else {
    using source = openSource(from, how.followLink === true);
    packer.entry(source.place, Buffer.from(basename(from.path)));
  }
  writeAll(out, endOfTar);
}

/** What a header says beside the file's own attributes. Names and links are bytes. */
interface Named {
  readonly type: EncodedEntry['type'];
  readonly name: Buffer;
  readonly link?: Buffer;
  /** Bytes of content that follow. */
  readonly size?: number;
}

class Packer {
  readonly #out: number;
  readonly #how: CopyHow;
  /** Files with several names, by the first that was written. */
  readonly #linked = new Map<string, Buffer>();

  constructor(out: number, how: CopyHow) {
    this.#out = out;
    this.#how = how;
  }

  entry(place: Place, name: Buffer): void {
    const stat = lstatSync(pathOf(place));
    if (stat.isDirectory()) {
      const directory = openSync(pathOf(place), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      try {
        if (isKernelDirectory(directory)) this.#how.onSkipped(name.toString(), 'a file system of the kernel');
        else this.directory(directory, name);
      } finally {
        closeSync(directory);
      }
    } else if (stat.isSymbolicLink()) {
      const link = readlinkSync(pathOf(place), { encoding: 'buffer' });
      this.#header(stat, { type: 'symlink', name, link }, pathOf(place));
    } else if (stat.isFile()) {
      this.#file(place, name);
    } else if (stat.isSocket()) {
      this.#how.onSkipped(name.toString(), 'a socket');
    } else {
      const type = stat.isFIFO() ? 'fifo' : stat.isBlockDevice() ? 'block-device' : 'character-device';
      this.#header(stat, { type, name }, pathOf(place));
    }
  }

  directory(fd: number, name: Buffer): void {
    this.#header(fstatSync(fd), { type: 'directory', name }, `/proc/self/fd/${fd}/.`);
    for (const child of readdirSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' }).toSorted((a, b) => a.compare(b))) {
      this.entry({ directory: fd, name: child }, Buffer.concat([name, Buffer.from('/'), child]));
    }
  }

  #file(place: Place, name: Buffer): void {
    const source = openFile(place);
    try {
      const stat = fstatSync(source);
      const key = `${stat.dev}:${stat.ino}`;
      const first = this.#linked.get(key);
      if (first !== undefined) return this.#header(stat, { type: 'hardlink', name, link: first }, undefined);
      if (stat.nlink > 1) this.#linked.set(key, name);
      this.#header(stat, { type: 'file', name, size: stat.size }, pathOf(place));
      this.#content(source, stat.size, name);
    } finally {
      closeSync(source);
    }
  }

  /** As many bytes as the header says, whatever the container does to the file meanwhile. */
  #content(source: number, size: number, name: Buffer): void {
    const buffer = Buffer.allocUnsafe(Math.min(chunkSize, size));
    let left = size;
    while (left > 0) {
      const length = readSync(source, buffer, 0, Math.min(buffer.length, left), null);
      if (length === 0) break;
      writeAll(this.#out, buffer.subarray(0, length));
      left -= length;
    }
    if (left > 0) this.#how.onSkipped(name.toString(), 'shorter than it was; zeros stand for its end: it');
    for (; left > 0; left -= Math.min(left, chunkSize)) writeAll(this.#out, Buffer.alloc(Math.min(left, chunkSize)));
    writeAll(this.#out, padding(size));
  }

  #header({ mode, uid, gid, mtimeMs, rdev }: Stats, entry: Named, path: string | Buffer | undefined): void {
    const { type, name, link = Buffer.alloc(0), size = 0 } = entry;
    const isDevice = type === 'block-device' || type === 'character-device';
    const header = encodeEntry({
      type,
      path: pathFromBytes(name),
      link: pathFromBytes(link),
      size,
      mode: mode & 0o7777,
      uid,
      gid,
      mtime: { seconds: Math.floor(mtimeMs / 1000), nanoseconds: 0 },
      major: isDevice ? majorOf(rdev) : 0,
      minor: isDevice ? minorOf(rdev) : 0,
      xattrs: path === undefined ? undefined : xattrsOf(path),
    });
    writeAll(this.#out, header);
  }
}

/** glibc's encoding of a device number. makedev(3). */
const majorOf = (device: number): number => Number((BigInt(device) >> 8n) & 0xfffn);
const minorOf = (device: number): number => Number((BigInt(device) & 0xffn) | ((BigInt(device) >> 12n) & 0xfff_ff00n));

/** Those that mean something elsewhere: what programs set, and file capabilities. */
function xattrsOf(path: string | Buffer): Map<string, Uint8Array> {
  try {
    const names = listXattrs(path).filter((name) => /^(?:user\.(?!overlay\.)|security\.capability$)/.test(name));
    return new Map(names.map((name) => [name, getXattr(path, name)]));
  } catch {
    // a file system without them, or a file that has gone
    return new Map();
  }
}
