import { createWriteStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { BoxError } from '@boxkit/contracts';
import { readRange } from './archive-files.ts';
import { ArchiveError } from './errors.ts';

export type Compression = 'gzip' | 'zstd';

/** What deflate can reach is 1032; an image that exceeds this beyond the first gigabyte is made to fill a disk. */
const ratioLimit = 300;
const ratioGrace = 1024 ** 3;
const chunkSize = 256 * 1024;

/** How bytes that start with `start` are compressed, by their magic; undefined for not at all. Throws for what box does not read. */
export function compressionOf(start: Uint8Array, archive: string, entry?: string): Compression | undefined {
  const magic = Buffer.from(start).toString('hex');
  if (magic.startsWith('1f8b')) return 'gzip';
  if (magic.startsWith('28b52ffd')) return 'zstd';
  const other = magic.startsWith('fd377a585a00') ? 'xz' : magic.startsWith('425a68') ? 'bzip2' : undefined;
  if (other === undefined) return undefined;
  throw new ArchiveError(archive, entry, `it is compressed with ${other}, which box does not read`, {
    hint: `Decompress it first: ${other} -d`,
  });
}

/** Decompresses all of `handle` into the new file `to`. Throws ERR_BOX_ARCHIVE_INVALID and ERR_BOX_BUDGET_EXCEEDED. */
export async function decompress(
  handle: FileHandle,
  compression: Compression,
  to: string,
  options: { readonly archive: string; readonly signal: AbortSignal },
): Promise<void> {
  const { archive, signal } = options;
  const { size } = await handle.stat();
  const limit = Math.max(ratioGrace, size * ratioLimit);
  const capped = async function* () {
    let total = 0;
    for await (const chunk of decoded(readRange(handle, { start: 0, length: size }, options), compression, archive)) {
      total += chunk.length;
      if (total > limit) throw tooLong(archive, limit);
      yield chunk;
    }
  };
  await pipeline(capped(), createWriteStream(to, { flags: 'wx', mode: 0o600 }), { signal });
}

/** Decompresses a stream. Throws ERR_BOX_ARCHIVE_INVALID when it is damaged or ends early. */
export async function* decoded(
  chunks: AsyncIterable<Uint8Array>,
  compression: Compression | 'none',
  archive: string,
  entry?: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (compression === 'none') {
    yield* chunks;
    return;
  }
  const inflate = compression === 'gzip' ? createGunzip({ chunkSize }) : createZstdDecompress({ chunkSize });
  try {
    yield* compose(chunks, inflate);
  } catch (cause) {
    if (!/^(?:Z_|ZSTD_)/.test((cause as NodeJS.ErrnoException).code ?? '')) throw cause;
    throw new ArchiveError(archive, entry, `its ${compression} stream is damaged or cut short`, { cause });
  }
}

/** Reads `chunks` through a stream; an error of either ends both. */
async function* compose(
  chunks: AsyncIterable<Uint8Array>,
  through: Transform,
): AsyncGenerator<Uint8Array, void, undefined> {
  const fed = pipeline(Readable.from(chunks), through);
  // Awaited below; a failure before the reader gets there is no unhandled one.
  fed.catch(() => {});
  yield* through as AsyncIterable<Uint8Array>;
  await fed.catch((error: NodeJS.ErrnoException) => {
    // All was read, and bytes follow that are no part of it, such as the zeros of a tape's last block.
    if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  });
}

function tooLong(archive: string, limit: number): BoxError {
  return new BoxError('ERR_BOX_BUDGET_EXCEEDED', `cannot decompress ${archive}: it has more than ${limit} bytes`, {
    hint: 'Decompress it yourself if you trust it.',
    fields: { archive, limit },
  });
}
