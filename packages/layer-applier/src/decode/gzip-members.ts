import { crc32, createInflateRaw, type InflateRaw } from 'node:zlib';
import { invalid } from '../extract/layer-error.ts';
import { ByteSource, type TakenBytes } from './byte-source.ts';

/** Flag bits of a member's header (RFC 1952, section 2.3.1). */
const flag = { headerCrc: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 };

/**
 * The uncompressed bytes of a gzip stream: members in a row are one. What follows the last one and is no member (zeros of
 * a tape's block, garbage) is passed over, as gzip, pigz and igzip do: it belongs to the blob's digest and to nothing
 * else. zlib's own reader of members takes zeros alone. Throws zlib's errors for damage, ERR_BOX_LAYER_INVALID for an
 * early end and for a checksum that does not fit.
 */
export async function* gunzipMembers(
  next: () => Promise<Uint8Array | undefined>,
  options: { readonly chunkSize: number; readonly highWaterMark: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  const source = new ByteSource(next);
  while (await readHeader(source)) yield* inflateMember(source, createInflateRaw(options));
  while ((await source.chunk()) !== undefined);
}

/** Reads a member's header; false when there is none. */
async function readHeader(source: ByteSource): Promise<boolean> {
  if ((await source.byte()) !== 0x1f) return false;
  if ((await need(source)) !== 0x8b) return false;
  const method = await need(source);
  const flags = await need(source);
  if (method !== 8 || (flags & flag.reserved) !== 0) throw damaged('a member of it has an unknown form');
  // Time, extra flags and system.
  await skip(source, 6);
  if (flags & flag.extra) await skip(source, (await need(source)) + 256 * (await need(source)));
  for (const text of [flag.name, flag.comment]) if (flags & text) while ((await need(source)) !== 0);
  if (flags & flag.headerCrc) await skip(source, 2);
  return true;
}

async function* inflateMember(source: ByteSource, inflater: InflateRaw): AsyncGenerator<Uint8Array, void, undefined> {
  const feeding = feed(source, inflater);
  // Its failure is thrown below, after the inflater has been destroyed by it.
  feeding.catch(() => {});
  let checksum = 0;
  let size = 0;
  try {
    for await (const chunk of inflater as AsyncIterable<Uint8Array>) {
      checksum = crc32(chunk, checksum);
      size += chunk.length;
      yield chunk;
    }
  } finally {
    inflater.destroy();
  }
  source.unread(await feeding, inflater.bytesWritten);
  for (const expected of [checksum, size % 2 ** 32]) {
    let told = 0;
    for (let at = 0; at < 4; at++) told += (await need(source)) * 2 ** (8 * at);
    if (told !== expected) throw damaged('a checksum or size in it does not fit');
  }
}

/** Writes into the inflater until it has ended. Gives what it has got, but for chunks that it had used up long before. */
async function feed(source: ByteSource, inflater: InflateRaw): Promise<TakenBytes> {
  const chunks: Uint8Array[] = [];
  let before = 0;
  try {
    for (let chunk = await source.chunk(); chunk !== undefined; chunk = await source.chunk()) {
      chunks.push(chunk);
      // Nothing can be written to one that has ended meanwhile: what was read for it is given back.
      if (inflater.readableEnded || inflater.destroyed) return { chunks, before };
      if (!inflater.write(chunk)) await drained(inflater);
      if (inflater.readableEnded || inflater.destroyed) return { chunks, before };
      while (chunks[0] !== undefined && before + chunks[0].length <= inflater.bytesWritten) {
        before += (chunks.shift() as Uint8Array).length;
      }
    }
    inflater.end();
  } catch (error) {
    inflater.destroy(error as Error);
    throw error;
  }
  return { chunks, before };
}

async function drained(inflater: InflateRaw): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => resolve();
  inflater.once('drain', done).once('close', done).once('end', done);
  await promise;
  inflater.off('drain', done).off('close', done).off('end', done);
}

async function need(source: ByteSource): Promise<number> {
  const byte = await source.byte();
  if (byte === undefined) throw invalid('the gzip stream ends early');
  return byte;
}

async function skip(source: ByteSource, count: number): Promise<void> {
  for (let at = 0; at < count; at++) await need(source);
}

function damaged(why: string): Error {
  return invalid(`the gzip stream is damaged: ${why}`);
}
