import { defineCommand } from '../command.ts';
import { compressionOptions, readCompression } from '../make/compression.ts';
import { makeOptions, printMade, readMakeOptions } from '../make/options.ts';
import { parseNumber } from '../run/values.ts';

export const squash = defineCommand({
  name: 'squash',
  summary: 'make an image of another, with its upper layers as one',
  description: `The image shows the same files. What the upper layers hide of each other is gone; what they hide of the lower ones
stays hidden. Owners, devices and xattrs are those of the layers, also without root. The steps of the history stay, as
steps without a layer. Prints the digest of the new manifest.`,
  options: {
    base: { type: 'value', placeholder: 'REF', summary: 'make one of all layers above those of REF' },
    last: { type: 'value', placeholder: 'N', summary: 'make one of the last N layers' },
    ...compressionOptions('how the new layer is compressed (default: gzip)'),
    ...makeOptions,
  },
  operands: { usage: 'REF', min: 1, max: 1 },
  examples: [
    { line: 'box squash app --base debian --tag app:one', what: 'what was built on top of debian becomes one layer' },
    { line: 'box squash app --last 3 --tag app:one', what: 'the last three layers' },
  ],
  async run(invocation) {
    const { values, operands, openBox } = invocation;
    const [reference = ''] = operands;
    const options = {
      ...readMakeOptions(invocation),
      ...readCompression(values),
      ...(values.base !== undefined && { base: values.base }),
      ...(values.last !== undefined && { last: parseNumber('--last', values.last) }),
    };
    const box = await openBox();
    printMade(await box.squash(reference, options), invocation);
    return 0;
  },
});
