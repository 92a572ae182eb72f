import { usage } from '../args/parse.ts';
import { defineCommand } from '../command.ts';
import { formatFailure } from '../output/report-error.ts';
import { writeTo } from '../output/streams.ts';
import { readDocument } from '../plumbing/read-document.ts';
import { forwardSignals } from '../run/forward-signals.ts';
import { connectTerminal } from '../run/terminal.ts';

export const launch = defineCommand({
  name: 'launch',
  summary: 'stage 5: starts a launch plan, and ends with its exit status',
  description: `Reads what \`box isolate\` prints from FILE or standard input, and starts it. The container's output is this
command's; its input is empty, or with -i this command's, when the plan comes from FILE.`,
  options: {
    interactive: { type: 'flag', short: 'i', summary: "connect the caller's standard input; wants FILE" },
    rm: { type: 'flag', summary: 'remove the container that `box apply` made when it has ended' },
  },
  operands: { usage: '[FILE]', min: 0, max: 1 },
  eventsTo: 'stderr',
  failure: 125,
  examples: [
    { line: 'box isolate -- ls / < applied.json | box launch', what: 'in one line' },
    { line: 'box launch -i planned.json', what: 'with your input; planned with `box isolate -t`, a terminal' },
  ],
  async run({ values, operands: [file], signal, openBox, renderer, takeSignals }) {
    if (values.interactive && (file === undefined || file === '-')) {
      throw usage(
        '-i wants the plan in a file',
        'Standard input cannot be both: box isolate ... > plan; box launch -i plan',
      );
    }
    const input = await readDocument(file, 'isolate', signal);
    const box = await openBox();
    const stdin = values.interactive ? 'inherit' : 'ignore';
    await using container = await box.plumbing.launch(input, {
      signal,
      stdin,
      stdout: 'inherit',
      stderr: 'inherit',
      remove: values.rm,
    });
    renderer.clear();
    using forwarding = forwardSignals(container, takeSignals);
    void forwarding;
    // Of a plan with a terminal all three streams are that terminal's, whatever was asked for.
    using connection =
      container.stdout === null ? undefined : connectTerminal(container, { interactive: values.interactive });
    const status = await container.exit;
    await connection?.drained();
    if (status.reason !== undefined) writeTo('stderr', formatFailure(status.reason, status.hint));
    return status.code;
  },
});
