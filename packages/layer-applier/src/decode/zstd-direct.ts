import { hasZstd } from '@boxkit/linux';

/**
 * Whether the extracting threads decompress zstd themselves, by the functions that Node carries. Else Node's stream does
 * in the caller's thread; BOX_INFLATE=zlib asks for that.
 */
export function isZstdDirect(): boolean {
  return process.env['BOX_INFLATE'] !== 'zlib' && hasZstd();
}
