import { describePlan, encodePlanned, formatExplanation } from '@boxkit/box';
import type { RunningContainer } from '@boxkit/contracts';
import { usage } from '../args/parse.ts';
import { defineCommand } from '../command.ts';
import { checkCidFile, writeCidFile } from '../run/cid-file.ts';
import { checkDetachOptions, startDetached } from '../run/detach.ts';
import { foreignRunOptions } from '../run/foreign-options.ts';
import { forwardSignals } from '../run/forward-signals.ts';
import { connectTerminal } from '../run/terminal.ts';
import { runOptions } from '../run/options.ts';
import { readRunOptions } from '../run/read-options.ts';
import { escapeControls } from '../output/escape.ts';
import { toJson } from '../output/json.ts';
import { formatFailure } from '../output/report-error.ts';
import { writeTo } from '../output/streams.ts';
import { parseDuration } from '../run/values.ts';

export const run = defineCommand({
  name: 'run',
  summary: 'run a command in a new container',
  description: `Runs ARG... (or what the image says) in a container of the image, which is fetched when the store lacks it.
Options end at REF; one -- right after it is dropped. The exit status is the command's own: 128+n when signal n ended
it, 126 when it cannot be invoked, 127 when there is no such command, 125 when box itself failed.`,
  options: runOptions,
  foreign: foreignRunOptions,
  operands: { usage: 'REF [--] [ARG...]', min: 0, max: Infinity, endOptions: true },
  eventsTo: 'stderr',
  failure: 125,
  examples: [
    { line: 'box run host:sh,ls -- ls /', what: "this machine's own sh and ls, and nothing else" },
    { line: 'box run --rm alpine -- cat /etc/os-release', what: 'from Docker Hub' },
    { line: 'box run -it alpine', what: 'a shell' },
    { line: 'box run -v ./src:/src:ro -w /src alpine -- ls', what: 'with a directory of yours' },
    { line: 'box run --isolation bubblewrap -u 1000 alpine -- id', what: 'another backend, another user' },
    { line: 'box run -d --name web alpine -- httpd -f', what: 'in the background; see box ps, logs, exec, stop, rm' },
    { line: 'box run --rootfs my_pod sh', what: 'in a directory that `box unpack` made' },
    { line: 'box run --plan alpine', what: 'what would be executed, system call by system call' },
    { line: 'box run --memory 256m --pids-limit 64 alpine -- sh', what: 'with limits' },
  ],
  async run({ values, operands, global, signal, openBox, renderer, takeSignals, write }) {
    const { reference, args } = readOperands(operands, values.rootfs);
    const options = await readRunOptions(values, args);
    const timeout = values.timeout === undefined ? undefined : parseDuration('--timeout', values.timeout);
    checkDetachOptions(values);
    checkCidFile(values.cidfile);
    const box = await openBox();
    if (values.explain) {
      if (reference === undefined) throw usage('--explain wants an image, and no --rootfs');
      const explanation = await box.explain(reference, { ...options, signal });
      renderer.clear();
      const words = escapeControls(formatExplanation(explanation), { keepNewlines: true });
      write(global.json ? `${toJson(explanation, 2)}\n` : words);
      return 0;
    }
    if (values.plan) {
      if (reference === undefined) throw usage('--plan wants an image, and no --rootfs');
      const planned = await box.plan(reference, { ...options, signal });
      renderer.clear();
      const shown = escapeControls(describePlan(planned), { keepNewlines: true });
      write(global.json ? `${toJson(encodePlanned(planned), 2)}\n` : shown);
      return 0;
    }
    if (values.detach) {
      const directory = values.rootfs ?? '';
      const how = { ...options, signal, ...(timeout === undefined ? {} : { timeout }) };
      const { containerId, exit } = await startDetached(box, { reference, directory }, values, how);
      renderer.clear();
      await writeCidFile(values.cidfile, containerId);
      write(`${containerId}\n`);
      if (exit?.reason !== undefined) writeTo('stderr', formatFailure(exit.reason, exit.hint));
      return exit?.code ?? 0;
    }
    const terminal = options.terminal === true;
    const stdio = terminal ? terminalStdio : values.interactive ? inheritAll : inheritOutput;
    const how = { ...options, ...stdio, signal };
    const container = await (reference === undefined
      ? box.runDirectory(values.rootfs ?? '', how)
      : box.run(reference, how));
    renderer.clear();
    await using disposing = container;
    void disposing;
    await writeCidFile(values.cidfile, container.containerId);
    using forwarding = forwardSignals(container, takeSignals);
    void forwarding;
    using connection = terminal ? connectTerminal(container, { interactive: values.interactive }) : undefined;
    const status = await withTimeout(container, timeout);
    await connection?.drained();
    if (status.reason !== undefined) writeTo('stderr', formatFailure(status.reason, status.hint));
    return status.code;
  },
});

const inheritAll = { stdin: 'inherit', stdout: 'inherit', stderr: 'inherit' } as const;
const inheritOutput = { ...inheritAll, stdin: 'ignore' } as const;
const terminalStdio = { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' } as const;

/** The reference, unless a directory stands for it, and the container's own arguments, without one `--` before them. */
function readOperands(operands: readonly string[], rootfs: string | undefined) {
  if (rootfs !== undefined) return { reference: undefined, args: operands };
  const [reference, ...args] = operands;
  if (reference === undefined) throw usage('too few arguments; wanted: REF [--] [ARG...]');
  return { reference, args: args[0] === '--' ? args.slice(1) : args };
}

async function withTimeout(container: RunningContainer, timeout: number | undefined) {
  if (timeout === undefined) return container.exit;
  const timer = setTimeout(() => void container.stop().catch(() => {}), timeout);
  try {
    return await container.exit;
  } finally {
    clearTimeout(timer);
  }
}
