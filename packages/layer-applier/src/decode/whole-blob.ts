import { gunzipSync } from 'node:zlib';
import type { Compression } from './compression.ts';
import { damage } from './damage.ts';
import { isZstdDirect } from './zstd-direct.ts';
import { HashedInput } from './tar-input.ts';

/** Bytes of a blob. */
const mostSize = 2 ** 19;
/** Bytes of a tar: two threads may hold one each. */
const mostTar = 2 ** 24;

/**
 * Whether a blob is so small that a stream, a thread of zlib's and a ring of shared memory cost more than they save.
 * Node's own zstd takes the end of a frame for the end of all (docs/decisions/layer-extraction.md).
 */
export function isWhole(compression: Compression, size: number): boolean {
  return size <= mostSize && (compression !== 'zstd' || isZstdDirect());
}

/**
 * The tar of a whole blob; undefined when it would be more than 16 MiB, and when zlib stops at what follows the gzip
 * stream, which is for the stream's reader to judge. Throws ERR_BOX_LAYER_INVALID for damage.
 */
export function inflateWhole(bytes: Uint8Array, compression: Exclude<Compression, 'zstd'>): Buffer | undefined {
  const blob = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (compression === 'none') return blob;
  try {
    return gunzipSync(blob, { chunkSize: probableSize(blob), maxOutputLength: mostTar });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE' || code === 'Z_BUF_ERROR' || message === 'incorrect header check')
      return undefined;
    throw damage(error, compression);
  }
}

/** As the last member's trailer says (RFC 1952, ISIZE), so that zlib fills one buffer: no more than a hint. */
function probableSize(blob: Buffer): number {
  const told = blob.length < 18 ? 0 : blob.readUInt32LE(blob.length - 4);
  return Math.min(Math.max(told + 1, 2 ** 12), mostTar);
}

/** A tar that is all at hand. */
export class WholeInput extends HashedInput {
  readonly buffer: Buffer;

  /** `check` is called with the number of bytes, and may throw to stop. */
  constructor(tar: Buffer, algorithm: string, check: (received: number) => void) {
    super(algorithm);
    this.buffer = tar;
    this.end = tar.length;
    this.received(tar);
    check(tar.length);
  }

  fill(): number {
    return this.end - this.position;
  }
}
