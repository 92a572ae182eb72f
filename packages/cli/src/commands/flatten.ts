import { defineCommand } from '../command.ts';
import { compressionOptions, readCompression } from '../make/compression.ts';
import { makeOptions, printMade, readMakeOptions } from '../make/options.ts';

export const flatten = defineCommand({
  name: 'flatten',
  summary: 'make an image of another, with all its layers as one',
  description: `The image shows the same files, and nothing that a layer deleted is in it any more. Owners, devices and xattrs are those
of the layers, also without root. Prints the digest of the new manifest.`,
  options: { ...compressionOptions('how the new layer is compressed (default: gzip)'), ...makeOptions },
  operands: { usage: 'REF', min: 1, max: 1 },
  examples: [
    { line: 'box flatten app --tag app:flat', what: 'into the store' },
    { line: 'box flatten app --compression zstd --tag oci:flat:app', what: 'into a layout' },
  ],
  async run(invocation) {
    const { values, operands, openBox } = invocation;
    const [reference = ''] = operands;
    const options = { ...readMakeOptions(invocation), ...readCompression(values) };
    const box = await openBox();
    printMade(await box.flatten(reference, options), invocation);
    return 0;
  },
});
