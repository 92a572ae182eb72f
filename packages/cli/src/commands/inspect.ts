import { defineCommand } from '../command.ts';
import { toJson } from '../output/json.ts';

export const inspect = defineCommand({
  name: 'inspect',
  summary: 'show what is known of an image',
  description: 'Prints a JSON list with, for each image, its record, its layers and its config as the image has it.',
  options: {},
  operands: { usage: 'REF...', min: 1, max: Infinity },
  examples: [
    { line: 'box inspect alpine', what: 'all of it' },
    { line: "box inspect alpine | jq '.[0].config.config.Env'", what: 'its environment' },
  ],
  async run({ operands, signal, openBox, write }) {
    const box = await openBox();
    const found = [];
    for (const reference of operands) {
      const { stored, image } = await box.inspect(reference, { signal });
      const { config, ...record } = stored;
      found.push({ ...record, configDescriptor: config, config: image.imageConfig });
    }
    write(`${toJson(found, 2)}\n`);
    return 0;
  },
});
