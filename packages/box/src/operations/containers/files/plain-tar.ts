import { createGunzip, createZstdDecompress } from 'node:zlib';
import { Readable, type Transform } from 'node:stream';
import { BoxError } from '@boxkit/contracts';

const formats: readonly { readonly name: string; readonly magic: readonly number[]; decoder?: () => Transform }[] = [
  { name: 'gzip', magic: [0x1f, 0x8b], decoder: createGunzip },
  { name: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd], decoder: createZstdDecompress },
  { name: 'xz', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a] },
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68] },
];
const longestMagic = 5;

/** A tar's own bytes, whatever it is compressed with, as its first bytes tell. Throws ERR_BOX_LAYER_UNSUPPORTED. */
export async function* plainTar(tar: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = tar[Symbol.asyncIterator]();
  let start = Buffer.alloc(0);
  while (start.length < longestMagic) {
    const next = await chunks.next();
    if (next.done === true) break;
    start = Buffer.concat([start, next.value]);
  }
  const all = withStart(start, chunks);
  const format = formats.find(({ magic }) => magic.every((byte, at) => start[at] === byte));
  if (format === undefined) return yield* all;
  if (format.decoder === undefined) {
    throw new BoxError('ERR_BOX_LAYER_UNSUPPORTED', `cannot read the tar: it is compressed with ${format.name}`, {
      hint: `Decompress it first: ${format.name} -dc FILE.`,
    });
  }
  const source = Readable.from(all);
  const decoder = source.on('error', (error) => decoder.destroy(error)).pipe(format.decoder());
  try {
    for await (const chunk of decoder) yield chunk as Uint8Array;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BoxError('ERR_BOX_LAYER_INVALID', `cannot read the tar: its ${format.name} is damaged: ${why}`, {
      cause,
    });
  } finally {
    source.destroy();
  }
}

async function* withStart(
  start: Uint8Array,
  chunks: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (start.length > 0) yield start;
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
}
