import { defineCommand } from '../command.ts';
import { forEach } from '../run/for-each.ts';
import { parseSignal } from '../run/values.ts';

export const kill = defineCommand({
  name: 'kill',
  summary: 'send a signal to containers',
  options: {
    signal: { type: 'value', short: 's', placeholder: 'SIGNAL', summary: 'a name or a number (default: SIGKILL)' },
  },
  operands: { usage: 'CONTAINER...', min: 1, max: Infinity },
  examples: [
    { line: 'box kill web', what: 'end it at once' },
    { line: 'box kill -s HUP web', what: 'let it read its configuration again' },
  ],
  run({ values, operands, openBox, ...io }) {
    const signal = parseSignal('--signal', values.signal ?? 'SIGKILL');
    return forEach(operands, io, async (container) => (await openBox()).containers.kill(container, signal));
  },
});
