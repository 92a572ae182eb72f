import { BoxError, MediaType } from '@boxkit/contracts';
import type { Compression } from '../decode/compression.ts';
import { gzipBlocks } from './gzip-blocks.ts';
import { zstdBlocks } from './zstd-blocks.ts';

export interface CompressionOptions {
  /** Default gzip, which every tool reads. */
  readonly compression?: Compression;
  /** gzip: 0 to 9, default 6. zstd: 1 to 22, default 3. */
  readonly level?: number;
}

const levels = { gzip: { least: 0, most: 9, usual: 6 }, zstd: { least: 1, most: 22, usual: 3 } } as const;

/** The media type of a layer. OCI image-spec, layer.md. */
export const layerMediaTypes: Readonly<Record<Compression, string>> = {
  none: MediaType.ociLayer,
  gzip: MediaType.ociLayerGzip,
  zstd: MediaType.ociLayerZstd,
};

/**
 * Compresses a layer on all processors, reproducibly. Throws ERR_BOX_USAGE, before anything is read, for a level that
 * the compression does not have.
 */
export function compressLayer(
  tar: AsyncIterable<Uint8Array>,
  options: CompressionOptions = {},
): AsyncIterable<Uint8Array> {
  const { compression = 'gzip' } = options;
  const level = checkLevel(options);
  if (compression === 'none') return tar;
  return compression === 'gzip' ? gzipBlocks(tar, level) : zstdBlocks(tar, level);
}

/** The level that is used. Throws ERR_BOX_USAGE. */
export function checkLevel({ compression = 'gzip', level }: CompressionOptions): number {
  if (compression === 'none') {
    if (level === undefined) return 0;
    throw new BoxError('ERR_BOX_USAGE', 'cannot compress at a level: no compression was chosen');
  }
  const { least, most, usual } = levels[compression];
  if (level === undefined) return usual;
  if (Number.isInteger(level) && level >= least && level <= most) return level;
  throw new BoxError('ERR_BOX_USAGE', `cannot compress with ${compression} at level ${level}`, {
    hint: `The levels of ${compression} are ${least} to ${most}; ${usual} is the usual one.`,
  });
}
