import { defineCommand } from '../command.ts';

export const tag = defineCommand({
  name: 'tag',
  summary: 'give an image a further name',
  options: {},
  operands: { usage: 'REF NAME', min: 2, max: 2 },
  examples: [{ line: 'box tag alpine:3.20 base', what: 'run it as `box run base` from now on' }],
  async run({ operands: [reference = '', name = ''], openBox }) {
    const box = await openBox();
    await box.tag(reference, name);
    return 0;
  },
});
