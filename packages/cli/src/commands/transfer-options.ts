import type { OptionSpecs, OptionValues } from '../args/options.ts';
import { platformOption } from './shared-options.ts';

/** Options of every command that writes an image elsewhere. */
export const transferOptions = {
  platform: platformOption,
  all: { type: 'flag', short: 'a', summary: 'all platforms of the image: its index whole' },
  'all-platforms': { type: 'flag', summary: 'the same as --all' },
  format: {
    type: 'value',
    placeholder: 'oci|v2s2',
    choices: ['oci', 'v2s2'],
    summary: 'rewrite manifests in this format, which changes their digests (default: as they are)',
  },
  'preserve-digests': { type: 'flag', summary: 'fail where the destination wants other digests than the image has' },
} as const satisfies OptionSpecs;

/** What these options say, for the library. */
export function readTransferOptions(values: OptionValues<typeof transferOptions>) {
  const { platform } = values;
  const format = values.format as 'oci' | 'v2s2' | undefined;
  return {
    ...(platform === undefined ? {} : { platform }),
    ...(values.all || values['all-platforms'] ? { all: true } : {}),
    ...(format === undefined ? {} : { format }),
    ...(values['preserve-digests'] ? { preserveDigests: true } : {}),
  };
}
