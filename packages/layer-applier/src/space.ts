import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { BoxError, type Image, type Layer, type Store } from '@boxkit/contracts';
import { readStagedLayer } from './layer-index/read-index.ts';

/** What an image takes on the disk: exact where the layers' indexes are known, else the least that it can be. */
export interface SpaceNeeded {
  readonly bytes: number;
  readonly inodes: number;
}

export interface FreeSpace {
  /** Bytes that this user may still write. */
  readonly bytes: number;
  /** Undefined where the file system makes inodes as they are needed. */
  readonly inodes: number | undefined;
}

/**
 * What extracting these layers takes. A layer that the store has extracted is known exactly from its index; of a
 * gzip blob that is there the trailer tells the size; of the rest, at least the compressed bytes come to the disk.
 */
export async function spaceNeeded(store: Store, layers: readonly Layer[]): Promise<SpaceNeeded> {
  let [bytes, inodes] = [0, 0];
  for (const layer of layers) {
    const known = await fromIndex(store, layer);
    bytes += known?.bytes ?? leastBytes(store, layer);
    inodes += known?.entries ?? 0;
  }
  return { bytes, inodes };
}

/** Throws ERR_BOX_STORE_FULL, saying how much is missing, before the first byte is written. `path` exists. */
export async function requireSpace(
  image: Image,
  path: string,
  needed: SpaceNeeded,
  free: (path: string) => Promise<FreeSpace> = freeSpace,
): Promise<void> {
  const { bytes, inodes } = await free(path);
  const missing = {
    bytes: Math.max(0, needed.bytes - bytes),
    inodes: inodes === undefined ? 0 : Math.max(0, needed.inodes - inodes),
  };
  if (missing.bytes === 0 && missing.inodes === 0) return;
  const shown =
    missing.bytes > 0
      ? `it takes at least ${megabytes(needed.bytes)}, ${megabytes(bytes)} are free at ${path}: ${megabytes(missing.bytes)} are missing`
      : `it has ${needed.inodes} files, ${path} has room for ${inodes}: ${missing.inodes} inodes are missing`;
  throw new BoxError('ERR_BOX_STORE_FULL', `cannot extract ${image.reference.text}: ${shown}`, {
    hint: '`box prune` frees what no image or container needs; or put the home or the directory on a larger file system.',
    fields: { path, needed, free: { bytes, inodes }, missing },
  });
}

/** As statfs(2) has it. */
export async function freeSpace(path: string): Promise<FreeSpace> {
  const { bavail, bsize, files, ffree } = await statfs(path);
  // btrfs and some network file systems count no inodes: all of them are 0.
  return { bytes: bavail * bsize, inodes: files === 0 ? undefined : ffree };
}

async function fromIndex(store: Store, layer: Layer): Promise<{ bytes: number; entries: number } | undefined> {
  if (!(await store.layers.has(layer.diffId))) return undefined;
  try {
    return readStagedLayer(layer, store.layers.pathOf(layer.diffId));
  } catch {
    // Kept by another hand, or damaged: extraction will say so, an estimate need not.
    return undefined;
  }
}

function leastBytes(store: Store, { descriptor }: Layer): number {
  return Math.max(descriptor.size, gzipSize(store.blobs.pathOf(descriptor.digest)) ?? 0);
}

/** ISIZE, RFC 1952 section 2.3.1: the uncompressed size modulo 4 GiB, of the last member alone. */
function gzipSize(path: string): number | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const { size } = fstatSync(fd);
    const bytes = Buffer.alloc(6);
    if (size < 18 || readSync(fd, bytes, 0, 2, 0) !== 2 || bytes.readUInt16BE(0) !== 0x1f8b) return undefined;
    if (readSync(fd, bytes, 2, 4, size - 4) !== 4) return undefined;
    const uncompressed = bytes.readUInt32LE(2);
    // Deflate cannot do better than 1032 to 1: a trailer that claims more is none.
    return uncompressed <= size * 1032 ? uncompressed : undefined;
  } finally {
    closeSync(fd);
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
