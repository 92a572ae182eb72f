import type { MakeOptions, StoredImage } from '@boxkit/box';
import type { OptionSpecs, OptionValues } from '../args/options.ts';
import { usage } from '../args/parse.ts';
import type { Invocation } from '../command.ts';
import { platformOption, pullOption } from '../commands/shared-options.ts';

/** What every command that makes an image of another takes. */
export const makeOptions = {
  tag: {
    type: 'value',
    short: 't',
    placeholder: 'NEW',
    summary: 'what the new image is called; with a scheme, where it goes instead of into the store',
  },
  platform: platformOption,
  pull: pullOption,
  'history-comment': { type: 'value', placeholder: 'TEXT', summary: 'a remark in the history' },
} as const satisfies OptionSpecs;

type MakeInvocation = Pick<Invocation<OptionSpecs>, 'signal' | 'renderer' | 'write' | 'global'> & {
  readonly values: OptionValues<typeof makeOptions>;
};

/** The options of a making, for the library. Throws ERR_BOX_USAGE without --tag. */
export function readMakeOptions({ values, signal }: Pick<MakeInvocation, 'values' | 'signal'>): MakeOptions {
  const { tag, platform, pull, 'history-comment': comment } = values;
  if (tag === undefined) {
    throw usage(
      'the new image needs a name: --tag NEW',
      'With a scheme it goes elsewhere: docker://, oci:, docker-archive:.',
    );
  }
  return {
    tag,
    signal,
    ...(platform !== undefined && { platform }),
    ...(pull !== undefined && { pull: pull as NonNullable<MakeOptions['pull']> }),
    ...(comment !== undefined && { comment }),
  };
}

/** Prints the digest of the manifest that was made. */
export function printMade({ manifest }: StoredImage, { renderer, global, write }: MakeInvocation): void {
  renderer.clear();
  if (!global.json) write(`${manifest.digest}\n`);
  else write(`${JSON.stringify(manifest)}\n`);
}
