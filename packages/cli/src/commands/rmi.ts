import { defineCommand } from '../command.ts';
import { escapeControls } from '../output/escape.ts';

export const rmi = defineCommand({
  name: 'rmi',
  summary: 'take names of images away',
  description: 'What no name needs any more is freed by `box prune`.',
  options: {},
  operands: { usage: 'REF...', min: 1, max: Infinity },
  examples: [{ line: 'box rmi alpine:3.20 base', what: 'two names' }],
  async run({ operands, openBox, write, global }) {
    const box = await openBox();
    for (const reference of operands) {
      const removed = await box.remove(reference);
      if (!global.quiet) write(`${escapeControls(removed.reference)}\n`);
    }
    return 0;
  },
});
