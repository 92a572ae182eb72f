import { closeSync, fstatSync, readSync } from 'node:fs';
import { encodeEntry, encodeSparse, endOfTar, padding } from '../tar/encode-entry.ts';
import type { Segment } from '../tar/sparse.ts';
import { PackFailure } from './pack-failure.ts';
import type { PackedEntry } from './packed-entry.ts';
import { dataSegments } from './sparse-segments.ts';

/** Bytes handed on at a time. */
const chunkSize = 2 ** 19;

export interface WriteTarOptions {
  /**
   * What to do about a file that is shorter than it was a moment ago: an error, or zeros in the place of what is missing,
   * which is told. A file that grows is taken as it was.
   */
  readonly onShrunk?: (entry: PackedEntry) => void;
}

/**
 * The bytes of a tar of entries, in chunks of a buffer each. An entry's file is opened when its turn comes, so `entries`
 * may be endless; one that has gone by then is left out. Throws PackFailure.
 */
export function* writeTar(
  entries: Iterable<PackedEntry>,
  options: WriteTarOptions = {},
): Generator<Uint8Array, void, undefined> {
  const chunks = new Chunks();
  for (const entry of entries) {
    if (entry.open === undefined) {
      yield* chunks.add(encodeEntry(entry));
      continue;
    }
    const fd = entry.open();
    if (fd === undefined) continue;
    try {
      yield* writeFile(entry, fd, chunks, options);
    } finally {
      closeSync(fd);
    }
  }
  yield* chunks.add(endOfTar);
  yield* chunks.rest();
}

function* writeFile(
  entry: PackedEntry,
  fd: number,
  chunks: Chunks,
  options: WriteTarOptions,
): Generator<Uint8Array, void, undefined> {
  const stat = fstatSync(fd);
  // Something else has taken the file's place since it was looked at.
  if (!stat.isFile()) return;
  const current: PackedEntry = { ...entry, size: stat.size };
  const segments = stat.blocks * 512 < stat.size ? dataSegments(fd, stat.size) : undefined;
  const whole: readonly Segment[] = segments ?? [{ offset: 0, length: stat.size }];
  yield* chunks.add(segments === undefined ? encodeEntry(current) : encodeSparse(current, segments));
  let stored = 0;
  for (const segment of whole) {
    stored += segment.length;
    yield* content(current, fd, segment, chunks, options);
  }
  yield* chunks.add(padding(stored));
}

/** As many bytes as the header says. */
function* content(
  entry: PackedEntry,
  fd: number,
  { offset, length }: Segment,
  chunks: Chunks,
  { onShrunk }: WriteTarOptions,
): Generator<Uint8Array, void, undefined> {
  let told = false;
  for (let left = length; left > 0;) {
    const room = chunks.room();
    const wanted = Math.min(left, room.length);
    let count = told ? 0 : read(entry, fd, room.subarray(0, wanted), offset + length - left);
    if (count === 0) {
      if (onShrunk === undefined) throw new PackFailure(entry.path, 'it became shorter while it was read');
      if (!told) onShrunk(entry);
      told = true;
      room.fill(0, 0, wanted);
      count = wanted;
    }
    left -= count;
    yield* chunks.took(count);
  }
}

function read(entry: PackedEntry, fd: number, into: Uint8Array, position: number): number {
  try {
    return readSync(fd, into, 0, into.length, position);
  } catch (error) {
    throw PackFailure.of(entry.path, error);
  }
}

/** Gathers small pieces into chunks, each of which is a buffer that its reader may keep. */
class Chunks {
  #buffer = Buffer.allocUnsafeSlow(chunkSize);
  #filled = 0;

  *add(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
    for (let from = 0; from < bytes.length;) {
      const count = Math.min(bytes.length - from, chunkSize - this.#filled);
      this.#buffer.set(bytes.subarray(from, from + count), this.#filled);
      from += count;
      yield* this.took(count);
    }
  }

  /** Where the next bytes may be put, at least one. */
  room(): Buffer {
    return this.#buffer.subarray(this.#filled);
  }

  /** So many bytes have been put there. */
  *took(count: number): Generator<Uint8Array, void, undefined> {
    this.#filled += count;
    if (this.#filled < chunkSize) return;
    yield* this.rest();
  }

  *rest(): Generator<Uint8Array, void, undefined> {
    if (this.#filled === 0) return;
    const full = this.#buffer.subarray(0, this.#filled);
    this.#buffer = Buffer.allocUnsafeSlow(chunkSize);
    this.#filled = 0;
    yield full;
  }
}
