import type { OptionSpec, OptionValues } from '../args/options.ts';
import { parseNumber } from '../run/values.ts';

export const compressionOption = {
  type: 'value',
  placeholder: 'none|gzip|zstd',
  choices: ['none', 'gzip', 'zstd'],
  summary: 'how layers are compressed (default: as a file is named, or gzip in the store)',
} as const satisfies OptionSpec;

export const levelOption = {
  type: 'value',
  placeholder: 'N',
  summary: 'how hard: 0 to 9 for gzip, 1 to 22 for zstd',
} as const satisfies OptionSpec;

type CompressionValues = OptionValues<{
  readonly compression: typeof compressionOption;
  readonly level: typeof levelOption;
}>;

/** What the two options say. Throws ERR_BOX_USAGE for a level that is no number; the box knows which there are. */
export function readCompression({ compression, level }: CompressionValues): {
  readonly compression?: 'none' | 'gzip' | 'zstd';
  readonly level?: number;
} {
  return {
    ...(compression === undefined ? {} : { compression: compression as 'none' | 'gzip' | 'zstd' }),
    ...(level === undefined ? {} : { level: parseNumber('--level', level, { zero: true }) }),
  };
}
