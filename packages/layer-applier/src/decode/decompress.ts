import { createZstdDecompress, type ZstdDecompress } from 'node:zlib';
import type { Compression } from './compression.ts';
import { damage } from './damage.ts';
import { gunzipMembers } from './gzip-members.ts';
import { ZstdFrames } from './zstd-frames.ts';

/** Big chunks, as each costs a turn of the event loop and a hop to zlib's thread; some kept ready on both sides. */
const decoderOptions = { chunkSize: 2 ** 19, highWaterMark: 2 ** 20 };

/**
 * The uncompressed bytes of a blob, inflated in libuv's pool. Gzip of several members is one stream, and whatever may
 * follow it; zstd of several frames likewise. Throws ERR_BOX_LAYER_INVALID for damage and for an early end.
 * `start` has been read from `chunks` already.
 * `chunks` is not closed: whoever opened it may want to read on.
 */
export async function* decompress(
  compression: Compression,
  start: Uint8Array,
  chunks: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (compression !== 'none') {
    yield* inflate(compression, start, chunks);
    return;
  }
  if (start.length > 0) yield start;
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
}

async function* inflate(
  compression: 'gzip' | 'zstd',
  start: Uint8Array,
  chunks: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const next = withStart(start, chunks);
  try {
    yield* compression === 'gzip' ? gunzipMembers(next, decoderOptions) : unpackFrames(next);
  } catch (error) {
    throw damage(error, compression);
  }
}

async function* unpackFrames(next: () => Promise<Uint8Array | undefined>): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder = createZstdDecompress(decoderOptions);
  const stop = new AbortController();
  const feeding = feed(decoder, next, stop.signal);
  // Its failure is thrown below, after the decoder has been destroyed by it.
  feeding.catch(() => {});
  try {
    for await (const chunk of decoder) yield chunk as Uint8Array;
    await feeding;
  } finally {
    stop.abort();
    decoder.destroy();
  }
}

/** Writes all of the blob into the decoder, as fast as it takes it. */
async function feed(
  decoder: ZstdDecompress,
  next: () => Promise<Uint8Array | undefined>,
  stop: AbortSignal,
): Promise<void> {
  const frames = new ZstdFrames();
  try {
    for (let chunk = await next(); chunk !== undefined && !stop.aborted; chunk = await next()) {
      for (const piece of frames.split(chunk)) {
        // Bytes after the compressed stream: the decoder takes no more, but the blob is read to its end.
        if (decoder.readableEnded || decoder.destroyed) break;
        if (!decoder.write(piece)) await drained(decoder);
      }
    }
    decoder.end();
  } catch (error) {
    decoder.destroy(error as Error);
    throw error;
  }
}

function withStart(start: Uint8Array, chunks: AsyncIterator<Uint8Array>): () => Promise<Uint8Array | undefined> {
  let first: Uint8Array | undefined = start;
  return async () => {
    if (first === undefined) {
      const next = await chunks.next();
      return next.done === true ? undefined : next.value;
    }
    const chunk = first;
    first = undefined;
    return chunk;
  };
}

async function drained(decoder: ZstdDecompress): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => {
    resolve();
  };
  decoder.once('drain', done).once('close', done).once('end', done);
  await promise;
  decoder.off('drain', done).off('close', done).off('end', done);
}
