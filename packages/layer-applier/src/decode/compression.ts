import { unsupported } from '../extract/layer-error.ts';

export type Compression = 'gzip' | 'zstd' | 'none';

/** How many bytes `detectCompression` wants to see. */
const magicSize = 6;

/** The first chunks of a blob, as many as show its compression. */
export async function readMagic(chunks: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let start: Uint8Array = new Uint8Array();
  while (start.length < magicSize) {
    const next = await chunks.next();
    if (next.done === true) break;
    start = start.length === 0 ? next.value : Buffer.concat([start, next.value]);
  }
  return start;
}

/**
 * The compression of a blob by its first bytes: media types lie. A zstd blob may start with a skippable frame.
 * Throws ERR_BOX_LAYER_UNSUPPORTED for bzip2, xz, lzip, lz4 and old lzma, by name.
 */
export function detectCompression(start: Uint8Array): Compression {
  const hex = Buffer.from(start.subarray(0, magicSize)).toString('hex');
  if (hex.startsWith('1f8b')) return 'gzip';
  if (hex.startsWith('28b52ffd') || /^5[0-9a-f]2a4d18/.test(hex)) return 'zstd';
  const other = foreign.find(([magic]) => hex.startsWith(magic));
  if (other !== undefined) {
    throw unsupported(
      `the layer is compressed with ${other[1]}, which the OCI image specification does not know`,
      'Rebuild the image with gzip or zstd layers.',
    );
  }
  return 'none';
}

const foreign: readonly (readonly [magic: string, name: string])[] = [
  ['425a68', 'bzip2'],
  ['fd377a585a00', 'xz'],
  ['4c5a4950', 'lzip'],
  ['04224d18', 'lz4'],
  ['5d000080', 'lzma'],
  ['1f9d', 'compress'],
];
