import type { FlattenOptions } from '@boxkit/box';
import type { OptionSpecs, OptionValues } from '../args/options.ts';
import { parseNumber } from '../run/values.ts';

/** How a layer that is made of others is compressed. */
export const oneLayerOptions = {
  compression: {
    type: 'value',
    placeholder: 'gzip|zstd|none',
    choices: ['gzip', 'zstd', 'none'],
    summary: 'how the new layer is compressed (default: gzip)',
  },
  level: { type: 'value', placeholder: 'N', summary: 'how hard: 0 to 9 for gzip, 1 to 22 for zstd' },
} as const satisfies OptionSpecs;

export function readOneLayerOptions({
  compression,
  level,
}: OptionValues<typeof oneLayerOptions>): Pick<FlattenOptions, 'compression' | 'level'> {
  return {
    ...(compression !== undefined && { compression: compression as NonNullable<FlattenOptions['compression']> }),
    ...(level !== undefined && { level: parseNumber('--level', level, { zero: true }) }),
  };
}
