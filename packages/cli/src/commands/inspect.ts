import { defineCommand } from '../command.ts';

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
    // JSON escapes the C0 controls itself; the others must not reach a terminal either.
    const json = JSON.stringify(found, undefined, 2);
    write(`${json.replace(/[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, jsonEscape)}\n`);
    return 0;
  },
});

function jsonEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
