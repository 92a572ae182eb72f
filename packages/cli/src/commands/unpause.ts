import { defineCommand } from '../command.ts';
import { forEach } from '../run/for-each.ts';

export const unpause = defineCommand({
  name: 'unpause',
  summary: 'let paused containers go on',
  options: {},
  operands: { usage: 'CONTAINER...', min: 1, max: Infinity },
  examples: [{ line: 'box unpause web', what: 'as if nothing had been' }],
  run({ operands, openBox, ...io }) {
    return forEach(operands, io, async (container) => (await openBox()).containers.unpause(container));
  },
});
