import { usage } from '../args/parse.ts';
import { defineCommand } from '../command.ts';
import { forwardSignals } from '../run/forward-signals.ts';
import { readEnvironment } from '../run/read-options.ts';
import { runOptions } from '../run/options.ts';
import { connectTerminal } from '../run/terminal.ts';
import { formatFailure } from '../output/report-error.ts';
import { writeTo } from '../output/streams.ts';

export const exec = defineCommand({
  name: 'exec',
  summary: 'run a further command in a container',
  description: `Starts a command in a container that runs, detached or not: in the same namespaces and cgroups, with the same
capabilities and filter. Options end at CONTAINER; one -- right after it is dropped. The exit status is the command's
own, as of run.`,
  options: {
    detach: { type: 'flag', short: 'd', summary: 'leave it running, with no input and no output' },
    interactive: runOptions.interactive,
    tty: runOptions.tty,
    env: runOptions.env,
    'env-file': runOptions['env-file'],
    workdir: runOptions.workdir,
    user: runOptions.user,
  },
  foreign: {
    '--privileged': 'A command gets what its container has, and no more.',
  },
  operands: { usage: 'CONTAINER [--] COMMAND [ARG...]', min: 2, max: Infinity, endOptions: true },
  eventsTo: 'stderr',
  failure: 125,
  examples: [
    { line: 'box exec web ps', what: 'a look inside' },
    { line: 'box exec -it web sh', what: 'a shell' },
    { line: 'box exec -d web touch /tmp/reload', what: 'in the background' },
    { line: 'box exec -u nobody -w /tmp -e A=1 web env', what: 'as another user, elsewhere' },
  ],
  async run({ values, operands: [container = '', ...words], signal, openBox, renderer, takeSignals }) {
    const args = words[0] === '--' ? words.slice(1) : words;
    const [command = '', ...rest] = args;
    const env = await readEnvironment(values);
    const box = await openBox();
    const { interactive, tty, user, workdir } = values;
    if (values.detach && (interactive || tty)) throw usage('option --detach leaves nothing for -i and -t');
    const nothing = { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' } as const;
    const pipes = { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' } as const;
    const inherited = { stdin: interactive ? 'inherit' : 'ignore', stdout: 'inherit', stderr: 'inherit' } as const;
    const process = await box.containers.exec(container, [command, ...rest], {
      signal,
      env,
      terminal: tty,
      ...(values.detach ? nothing : tty ? pipes : inherited),
      ...(user === undefined ? {} : { user }),
      ...(workdir === undefined ? {} : { workdir }),
    });
    renderer.clear();
    if (values.detach && (await process.executed) !== false) return 0;
    await using disposing = process;
    void disposing;
    using forwarding = forwardSignals(process, takeSignals);
    void forwarding;
    using connection = tty ? connectTerminal(process, { interactive }) : undefined;
    const status = await process.exit;
    await connection?.drained();
    if (status.reason !== undefined) writeTo('stderr', formatFailure(status.reason, status.hint));
    return status.code;
  },
});
