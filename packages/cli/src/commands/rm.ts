import { defineCommand } from '../command.ts';
import { forEach } from '../run/for-each.ts';

export const rm = defineCommand({
  name: 'rm',
  summary: 'remove containers',
  description: 'Removes what is left of containers that have ended: their files, logs and names.',
  options: {
    force: { type: 'flag', short: 'f', summary: 'end those that run, by SIGKILL; none that is missing is an error' },
  },
  operands: { usage: 'CONTAINER...', min: 1, max: Infinity },
  examples: [
    { line: 'box rm job', what: 'one that has ended' },
    { line: 'box rm -f web', what: 'whether it runs or not' },
    { line: 'box rm $(box ps -aq)', what: 'all that have ended' },
  ],
  run({ values, operands, signal, openBox, ...io }) {
    const missing = values.force ? (['ERR_BOX_CONTAINER_UNKNOWN'] as const) : [];
    return forEach(
      operands,
      io,
      async (container) => {
        const box = await openBox();
        await box.containers.remove(container, { force: values.force, signal });
      },
      missing,
    );
  },
});
