import { defineCommand } from '../command.ts';
import { forEach } from '../run/for-each.ts';

export const rmi = defineCommand({
  name: 'rmi',
  summary: 'take names of images away',
  description: `What no name needs any more is freed by \`box prune\`. An image that has one name goes by the beginning of its digest,
too, as \`box images\` shows it. One that fails keeps none of the others from it.`,
  options: {},
  operands: { usage: 'REF...', min: 1, max: Infinity },
  examples: [
    { line: 'box rmi alpine:3.20 base', what: 'two names' },
    { line: 'box rmi beefdbd8a1da', what: 'by its digest' },
  ],
  run({ operands, openBox, ...io }) {
    return forEach(operands, io, async (reference) => (await (await openBox()).remove(reference)).reference);
  },
});
