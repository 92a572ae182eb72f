import { defineCommand } from '../command.ts';
import { forEach } from '../run/for-each.ts';
import { parseDuration } from '../run/values.ts';

export const stop = defineCommand({
  name: 'stop',
  summary: 'end containers politely',
  description: `Sends the stop signal (--stop-signal of run, else the image's, else SIGTERM), and SIGKILL to what still runs
after the stop timeout. A container that has ended is left as it is.`,
  options: {
    time: {
      type: 'value',
      short: 't',
      placeholder: 'SECONDS',
      summary: 'how long it may take (default: as of run, 10)',
    },
  },
  operands: { usage: 'CONTAINER...', min: 1, max: Infinity },
  examples: [
    { line: 'box stop web', what: 'by name' },
    { line: 'box stop -t 0 3f2a', what: 'at once, by the beginning of the containerId' },
  ],
  run({ values, operands, signal, openBox, ...io }) {
    const timeout = values.time === undefined ? {} : { timeout: parseDuration('--time', values.time) };
    return forEach(operands, io, async (container) => {
      const box = await openBox();
      await box.containers.stop(container, { signal, ...timeout });
    });
  },
});
