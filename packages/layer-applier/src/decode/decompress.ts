import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from 'node:zlib';
import { invalid } from '../extract/layer-error.ts';
import { detectCompression, magicSize, type Compression } from './compression.ts';

/** Big chunks, as each costs a turn of the event loop and a hop to zlib's thread; some kept ready on both sides. */
const decoderOptions = { chunkSize: 2 ** 19, highWaterMark: 2 ** 20 };

/**
 * The uncompressed bytes of a blob, inflated in libuv's pool. Gzip of several members is one stream, zeros may follow
 * it; zstd of several frames likewise. Throws ERR_BOX_LAYER_INVALID for damage and for an early end,
 * ERR_BOX_LAYER_UNSUPPORTED for other compressions. `onFormat` is told what was found.
 * `chunks` is not closed: whoever opened it may want to read on.
 */
export async function* decompress(
  chunks: AsyncIterator<Uint8Array>,
  onFormat?: (compression: Compression) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const start = await firstBytes(chunks);
  const compression = detectCompression(start);
  onFormat?.(compression);
  if (compression !== 'none') {
    yield* inflate(compression, start, chunks);
    return;
  }
  if (start.length > 0) yield start;
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
}

async function firstBytes(chunks: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let start: Uint8Array = new Uint8Array();
  while (start.length < magicSize) {
    const next = await chunks.next();
    if (next.done === true) break;
    start = start.length === 0 ? next.value : Buffer.concat([start, next.value]);
  }
  return start;
}

async function* inflate(
  compression: 'gzip' | 'zstd',
  start: Uint8Array,
  chunks: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder: Gunzip | ZstdDecompress =
    compression === 'gzip' ? createGunzip(decoderOptions) : createZstdDecompress(decoderOptions);
  const stop = new AbortController();
  const feeding = feed(decoder, start, chunks, stop.signal);
  // Its failure is thrown below, after the decoder has been destroyed by it.
  feeding.catch(() => {});
  try {
    for await (const chunk of decoder) yield chunk as Uint8Array;
    await feeding;
  } catch (error) {
    throw damage(error, compression);
  } finally {
    stop.abort();
    decoder.destroy();
  }
}

/** Writes all of the blob into the decoder, as fast as it takes it. */
async function feed(
  decoder: Gunzip | ZstdDecompress,
  start: Uint8Array,
  chunks: AsyncIterator<Uint8Array>,
  stop: AbortSignal,
): Promise<void> {
  try {
    let pending: Uint8Array | undefined = start;
    while (pending !== undefined && !stop.aborted) {
      // Bytes after the compressed stream: the decoder has ended and takes no more, but the blob is read to its end.
      if (!decoder.readableEnded && !decoder.destroyed && !decoder.write(pending)) await drained(decoder);
      const next: IteratorResult<Uint8Array> = await chunks.next();
      pending = next.done === true ? undefined : next.value;
    }
    decoder.end();
  } catch (error) {
    decoder.destroy(error as Error);
    throw error;
  }
}

async function drained(decoder: Gunzip | ZstdDecompress): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => {
    resolve();
  };
  decoder.once('drain', done).once('close', done).once('end', done);
  await promise;
  decoder.off('drain', done).off('close', done).off('end', done);
}

/** zlib's and zstd's own errors have a code that starts with Z_, or ZSTD_; others pass. */
function damage(error: unknown, compression: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (!code.startsWith('Z_') && !code.startsWith('ZSTD_')) return error;
  return invalid(`the ${compression} stream is damaged: ${(error as Error).message}`);
}
