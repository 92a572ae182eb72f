import { defineCommand } from '../command.ts';

export const wait = defineCommand({
  name: 'wait',
  summary: 'wait until containers have ended',
  description: 'Prints the exit status of each, in the order given.',
  options: {},
  operands: { usage: 'CONTAINER...', min: 1, max: Infinity },
  examples: [{ line: 'box wait job', what: 'its exit status, when it has one' }],
  async run({ operands, signal, openBox, write }) {
    const box = await openBox();
    for (const container of operands) write(`${(await box.containers.wait(container, { signal })).code}\n`);
    return 0;
  },
});
