import { invalid, unsupported } from '../extract/layer-error.ts';

/** zlib's and zstd's own errors have a code that starts with Z_, or ZSTD_; others pass. */
export function damage(error: unknown, compression: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ZSTD_error_frameParameter_windowTooLarge') {
    return unsupported(
      'its zstd stream wants a window of more than 128 MiB',
      'Rebuild the image without zstd --long above 27: RFC 8878 asks no reader for more than 8 MiB.',
    );
  }
  if (code === 'ZSTD_error_dictionary_wrong') {
    return unsupported(
      'its zstd stream wants a dictionary',
      'Rebuild the image without zstd -D: a layer carries none.',
    );
  }
  if (!code.startsWith('Z_') && !code.startsWith('ZSTD_')) return error;
  return invalid(`the ${compression} stream is damaged: ${(error as Error).message}`);
}
