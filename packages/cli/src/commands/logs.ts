import { defineCommand } from '../command.ts';
import { writeBytes } from '../output/streams.ts';
import { parseNumber, parseTime } from '../run/values.ts';

export const logs = defineCommand({
  name: 'logs',
  summary: 'show what a detached container wrote',
  description: `Prints what the container wrote to its standard output and error, each to box's own. The log keeps the last
32 MiB at most.`,
  options: {
    follow: { type: 'flag', short: 'f', summary: 'go on until the container has ended' },
    since: { type: 'value', placeholder: 'TIME', summary: 'from a time on (2024-05-01T12:00:00Z), or an age (10m)' },
    until: { type: 'value', placeholder: 'TIME', summary: 'up to a time, or an age' },
    tail: { type: 'value', short: 'n', placeholder: 'LINES', summary: 'only the last lines; all for all of them' },
    timestamps: { type: 'flag', short: 't', summary: 'begin each line with its time' },
  },
  operands: { usage: 'CONTAINER', min: 1, max: 1 },
  eventsTo: 'stderr',
  examples: [
    { line: 'box logs web', what: 'all there is' },
    { line: 'box logs -f --tail 20 web', what: 'the last 20 lines and what comes' },
    { line: 'box logs -t --since 10m web', what: 'the last ten minutes, with times' },
  ],
  async run({ values, operands: [container = ''], global, signal, openBox, write }) {
    const box = await openBox();
    const { since, until } = values;
    // docker takes a number below zero for all
    const tail = /^(?:all|-\d+)$/.test(values.tail ?? 'all') ? undefined : values.tail;
    const lines = box.containers.logs(container, {
      signal,
      follow: values.follow,
      ...(since === undefined ? {} : { since: parseTime('--since', since, Date.now()) }),
      ...(until === undefined ? {} : { until: parseTime('--until', until, Date.now()) }),
      ...(tail === undefined ? {} : { tail: parseNumber('--tail', tail, { zero: true }) }),
    });
    const atStart = { stdout: true, stderr: true };
    for await (const { time, stream, bytes } of lines) {
      if (global.json) {
        write(`${JSON.stringify({ time, stream, base64: Buffer.from(bytes).toString('base64') })}\n`);
        continue;
      }
      const stamp = values.timestamps && atStart[stream] ? Buffer.from(`${time} `) : Buffer.alloc(0);
      atStart[stream] = bytes.at(-1) === 0x0a;
      await writeBytes(stream, Buffer.concat([stamp, bytes]));
    }
    return 0;
  },
});
