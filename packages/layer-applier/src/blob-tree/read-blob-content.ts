import type { Image } from '@boxkit/contracts';
import { detectCompression, readMagic } from '../decode/compression.ts';
import { decompress } from '../decode/decompress.ts';
import type { FileNode } from './nodes.ts';

const mostZeros = 2 ** 16;

/** The content of a file out of its layer's blob, which is read up to the file's end and no further. */
export async function* readBlobContent(
  image: Image,
  { layer: position, offset, size, segments }: FileNode,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (size === 0) return;
  const layer = image.layers[position];
  if (layer === undefined) throw new Error('unreachable: the node is of this image');
  const stored = segments === undefined ? size : segments.reduce((sum, { length }) => sum + length, 0);
  const chunks = image.blobs.open(layer.descriptor, { signal })[Symbol.asyncIterator]();
  try {
    const start = await readMagic(chunks);
    const tar = decompress(detectCompression(start), start, chunks);
    const data = stretch(tar, offset, stored);
    if (segments === undefined) yield* data;
    else yield* withHoles(data, segments, size);
  } finally {
    await chunks.return?.();
  }
}

/** `length` bytes from `offset` on. */
async function* stretch(tar: AsyncIterable<Uint8Array>, offset: number, length: number): AsyncGenerator<Uint8Array> {
  const end = offset + length;
  let at = 0;
  if (length === 0) return;
  for await (const chunk of tar) {
    const [from, to] = [Math.max(0, offset - at), Math.min(chunk.length, end - at)];
    at += chunk.length;
    if (from < to) yield chunk.subarray(from, to);
    if (at >= end) return;
  }
}

async function* withHoles(
  data: AsyncIterable<Uint8Array>,
  segments: NonNullable<FileNode['segments']>,
  size: number,
): AsyncGenerator<Uint8Array> {
  let [at, next, left] = [0, 0, segments[0]?.length ?? 0];
  for await (const chunk of data) {
    for (let from = 0; from < chunk.length;) {
      while (left === 0) left = segments[(next += 1)]?.length ?? chunk.length;
      const segment = segments[next];
      const place = segment === undefined ? at : segment.offset + segment.length - left;
      yield* zeros(place - at);
      const count = Math.min(left, chunk.length - from);
      yield chunk.subarray(from, from + count);
      at = place + count;
      left -= count;
      from += count;
    }
  }
  yield* zeros(size - at);
}

function* zeros(count: number): Generator<Uint8Array> {
  const block = new Uint8Array(Math.min(count, mostZeros));
  for (let left = count; left > 0; left -= block.length) yield block.subarray(0, left);
}
