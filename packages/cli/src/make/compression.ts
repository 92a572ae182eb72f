import type { OptionSpec, OptionValues } from '../args/options.ts';
import { parseNumber } from '../run/values.ts';

const kinds = ['none', 'gzip', 'zstd'] as const;

/** How a command compresses what it makes; `summary` says what and by default how, `more` what else it may do. */
export function compressionOptions<More extends string = never>(summary: string, ...more: readonly More[]) {
  const choices = [...more, ...kinds];
  return {
    compression: { type: 'value', placeholder: choices.join('|'), choices, summary },
    level: { type: 'value', placeholder: 'N', summary: 'how hard: 0 to 9 for gzip, 1 to 22 for zstd' },
  } as const satisfies Record<string, OptionSpec>;
}

type CompressionValues = OptionValues<ReturnType<typeof compressionOptions>>;

/** What the two options say. Throws ERR_BOX_USAGE for a level that is no number; the box knows which there are. */
export function readCompression({ compression, level }: CompressionValues): {
  readonly compression?: (typeof kinds)[number];
  readonly level?: number;
} {
  return {
    // One of the choices, which the options were read by.
    ...(compression === undefined ? {} : { compression: compression as (typeof kinds)[number] }),
    ...(level === undefined ? {} : { level: parseNumber('--level', level, { zero: true }) }),
  };
}
