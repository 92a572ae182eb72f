import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { ExitStatus, PlannedContainer, RunningContainer } from '@boxkit/contracts';
import { composeStages } from '@boxkit/core';
import {
  type ControlServer,
  type LogStream,
  type LogWriter,
  openLogWriter,
  parseRestartPolicy,
  restartDelay,
  serveControl,
  shouldRestart,
} from '@boxkit/launcher';
import type { DiskContainer } from '@boxkit/store';
import type { Scope } from '../machine.ts';
import { claimStart } from './claim-start.ts';
import { findContainer } from './find.ts';
import { planAgain, type PlannedAgain } from './plan-again.ts';
import { planRow } from './plan-row.ts';
import { recordExit, recordStart, watchStart } from './record.ts';
import { Subject } from './subject.ts';
import type { DetachedOptions, DetachTarget } from './supervisor-protocol.ts';
import type { DetachedContainer } from './types.ts';

export interface Supervision {
  readonly target: DetachTarget;
  readonly options: DetachedOptions;
  readonly scope: Scope;
  /** Called once, when the command runs or could not be executed. */
  readonly onStart: (container: DetachedContainer) => void;
  /** Asks for the end, at any time after the start. */
  readonly stopping: AbortSignal;
}

/** Runs a container from its image to its end, restarts included. Rejects when it cannot be started. */
export async function supervise(supervision: Supervision): Promise<ExitStatus> {
  const { options, scope } = supervision;
  using claim = await claimOf(supervision);
  void claim;
  const { planned, reference } = await planTarget(supervision);
  const handle = await scope.store.containers.adopt(planned.containerId);
  const subject = new Subject();
  using log = openLogWriter(handle.path, options.logLimit === undefined ? {} : { limit: options.logLimit });
  await using control = await serveControl(handle.path, subject);
  const stop = (): void => void subject.stop(undefined).catch(() => {});
  supervision.stopping.addEventListener('abort', stop, { once: true });
  let timer: NodeJS.Timeout | undefined;
  try {
    if (options.timeout !== undefined) timer = setTimeout(stop, options.timeout);
    const exit = await runToEnd({ supervision, planned, handle, reference, subject, log, control });
    await recordExit(handle, exit);
    subject.finish(exit);
    return exit;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    await recordExit(handle, { code: 125, reason });
    subject.finish({ code: 125, reason });
    throw error;
  } finally {
    clearTimeout(timer);
    supervision.stopping.removeEventListener('abort', stop);
  }
}

/** Of a container that has ended, which two could start at once. */
async function claimOf({ target, scope }: Supervision): Promise<Disposable | undefined> {
  return 'containerId' in target ? claimStart(await findContainer(scope.store, target.containerId)) : undefined;
}

async function planTarget({ target, options, scope }: Supervision): Promise<PlannedAgain> {
  if ('containerId' in target) return planAgain(target.containerId, scope);
  const { reference, row, input } = await planRow(target, options, scope);
  return { reference, planned: (await composeStages(row).run(input as never, scope.context)) as PlannedContainer };
}

interface Run {
  readonly supervision: Supervision;
  readonly planned: PlannedContainer;
  readonly handle: DiskContainer;
  readonly reference: string;
  readonly subject: Subject;
  readonly log: LogWriter;
  readonly control: ControlServer;
}

async function runToEnd(run: Run): Promise<ExitStatus> {
  const policy = parseRestartPolicy(run.supervision.options.restart ?? 'no');
  let pause: number | undefined;
  for (let restarts = 0; ; restarts += 1) {
    const began = Date.now();
    const exit = await runOnce(run, restarts);
    if (run.subject.stopped || !shouldRestart(policy, exit, restarts)) return exit;
    pause = restartDelay(pause, Date.now() - began);
    if (!(await run.subject.pause(pause))) return exit;
  }
}

async function runOnce(run: Run, restarts: number): Promise<ExitStatus> {
  const { supervision, planned, handle, reference, subject } = run;
  const { scope, options } = supervision;
  const watched = watchStart(scope.context);
  // disposed of here, once for each start
  const context = { ...watched.context, defer: () => {} };
  const stdin = options.interactive === true ? 'pipe' : 'ignore';
  const launch = scope.stages.launch({ stdin, stdout: 'pipe', stderr: 'pipe' });
  await using container = await launch.run(planned, context);
  const { labels, remove = false, restart, timeout, interactive, logLimit } = options;
  const told = { restart, timeout, interactive, logLimit };
  const how = { reference, remove, pid: watched.pid(), detached: true, restarts, supervision: given(told) };
  await recordStart(handle, planned, { ...how, ...(labels === undefined ? {} : { labels }) });
  const drained = passOn(container, run);
  subject.attend(container);
  if (restarts === 0) {
    const exit = (await container.executed) === false ? { exit: await container.exit } : {};
    supervision.onStart({ containerId: handle.containerId, name: handle.name, ...exit });
  }
  const exit = await container.exit;
  await drained;
  return exit;
}

/** Without the fields that were not given. */
function given<Fields extends object>(fields: Fields): { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

/** Milliseconds that output may still come after the end, from processes that outlive the first where nothing ends them. */
const lastWords = 1000;

/** Writes what the container writes to its log and to who is attached. Resolves when that has ended. */
async function passOn(container: RunningContainer, { log, control }: Run): Promise<void> {
  const follow = async (name: LogStream, stream: Readable | null): Promise<void> => {
    stream?.on('data', (bytes: Buffer) => {
      log.write(name, bytes);
      control.output(name, bytes);
    });
    // a reset is an end
    if (stream !== null) await finished(stream, { writable: false }).catch(() => {});
  };
  const all = Promise.all([follow('stdout', container.stdout), follow('stderr', container.stderr)]);
  await Promise.race([all, container.exit.catch(() => {})]);
  const timer = Promise.withResolvers<void>();
  const timeout = setTimeout(timer.resolve, lastWords);
  await Promise.race([all, timer.promise]);
  clearTimeout(timeout);
}
