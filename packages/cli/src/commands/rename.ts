import { defineCommand } from '../command.ts';

export const rename = defineCommand({
  name: 'rename',
  summary: 'give a container another name',
  options: {},
  operands: { usage: 'CONTAINER NAME', min: 2, max: 2 },
  examples: [{ line: 'box rename happy_crane web', what: 'also while it runs' }],
  async run({ operands: [container = '', name = ''], openBox }) {
    const box = await openBox();
    await box.containers.rename(container, name);
    return 0;
  },
});
