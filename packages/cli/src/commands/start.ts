import { usage } from '../args/parse.ts';
import { defineCommand } from '../command.ts';
import { formatFailure } from '../output/report-error.ts';
import { writeTo } from '../output/streams.ts';
import { forEach } from '../run/for-each.ts';
import { forwardSignals } from '../run/forward-signals.ts';
import { connectTerminal } from '../run/terminal.ts';

export const start = defineCommand({
  name: 'start',
  summary: 'start containers once more that have ended',
  description: `Runs the same command with the same options and backend, on the files that the container left. With --attach it
runs in the foreground as with run, and the exit status is the command's own; else in the background as with run
--detach, with a log.`,
  options: {
    attach: { type: 'flag', short: 'a', summary: 'in the foreground, its output here' },
    interactive: { type: 'flag', short: 'i', summary: 'with standard input; in the foreground' },
  },
  operands: { usage: 'CONTAINER...', min: 1, max: Infinity },
  eventsTo: 'stderr',
  failure: 125,
  examples: [
    { line: 'box start web', what: 'again, in the background' },
    { line: 'box start -ai shell', what: 'back to a shell that was left by exit' },
  ],
  async run({ values, operands, signal, openBox, renderer, takeSignals, ...io }) {
    const { attach, interactive } = values;
    if (!attach && !interactive) {
      return forEach(operands, io, async (container) => {
        const box = await openBox();
        const { exit } = await box.containers.start(container, { signal });
        if (exit?.reason !== undefined) writeTo('stderr', formatFailure(exit.reason, exit.hint));
      });
    }
    const [container = ''] = operands;
    if (operands.length > 1) throw usage('one container can be in the foreground');
    const box = await openBox();
    const { terminal } = await box.containers.get(container);
    const stdin = interactive ? 'inherit' : 'ignore';
    const streams = terminal ? pipes : ({ stdin, stdout: 'inherit', stderr: 'inherit' } as const);
    const process = await box.containers.startAttached(container, { signal, ...streams });
    renderer.clear();
    await using disposing = process;
    void disposing;
    using forwarding = forwardSignals(process, takeSignals);
    void forwarding;
    using connection = terminal ? connectTerminal(process, { interactive }) : undefined;
    const status = await process.exit;
    await connection?.drained();
    if (status.reason !== undefined) writeTo('stderr', formatFailure(status.reason, status.hint));
    return status.code;
  },
});

const pipes = { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' } as const;
