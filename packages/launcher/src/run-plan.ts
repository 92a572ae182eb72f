import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { BoxError, type LaunchPlan } from '@boxkit/contracts';
import { openDescriptors } from './descriptors.ts';
import { readReports } from './report-reader.ts';

type ProgramPlan = Pick<LaunchPlan, 'argv' | 'env' | 'descriptors'>;

export interface RunPlanOptions {
  /** Where the stub is kept. */
  readonly home: string;
  /** For messages, continues "cannot ...". */
  readonly action: string;
  readonly signal?: AbortSignal;
}

/** Carries out a plan that is no container, to its end. Throws ERR_BOX_CONTAINER_SETUP with what it printed. */
export async function runPlan(plan: ProgramPlan, { home, action, signal }: RunPlanOptions): Promise<void> {
  const { child, failure } = startPlan(plan, { home, stdio: ['ignore', 'ignore', 'pipe'], ...(signal && { signal }) });
  const printed = child.stderr === null ? '' : text(child.stderr);
  const [code, by] = await once(child, 'close').catch((cause: unknown) => {
    signal?.throwIfAborted();
    throw new BoxError('ERR_BOX_CONTAINER_SETUP', `cannot ${action}: ${String(cause)}`, { cause });
  });
  const failed = await failure;
  if (code === 0 && failed === undefined) return;
  const why = failed ?? ((await printed).trim() || `it ended with ${by ?? `status ${code}`}`);
  throw new BoxError('ERR_BOX_CONTAINER_SETUP', `cannot ${action}: ${why}`);
}

export interface StartPlanOptions {
  readonly home: string;
  /** Of 0, 1 and 2. */
  readonly stdio: Extract<StdioOptions, readonly unknown[]>;
  /** Ends it by SIGKILL. */
  readonly signal?: AbortSignal;
}

export interface StartedPlan {
  readonly child: ChildProcess;
  /** The system call that failed before the program was executed, and its errno; undefined when none did. */
  readonly failure: Promise<string | undefined>;
}

/** Starts the program of a plan that is no container. */
export function startPlan(plan: ProgramPlan, { home, stdio, signal }: StartPlanOptions): StartedPlan {
  signal?.throwIfAborted();
  using descriptors = openDescriptors(plan, home);
  const [program, ...args] = plan.argv;
  const child = spawn(program, args, {
    env: plan.env,
    cwd: '/',
    detached: true,
    killSignal: 'SIGKILL',
    ...(signal === undefined ? {} : { signal }),
    stdio: [...stdio, ...descriptors.fds],
  });
  const reports = readReports(descriptors.report);
  return { child, failure: reports.all.then((all) => describeFailure(plan, all)) };
}

function describeFailure(plan: ProgramPlan, reports: Awaited<ReturnType<typeof readReports>['all']>) {
  const failure = reports.find((report) => report.kind === 'failed');
  if (failure === undefined) return undefined;
  const list = plan.descriptors.find(({ fd }) => fd === failure.list);
  const call = list?.kind === 'system-calls' ? list.calls[failure.position] : undefined;
  return call === undefined ? failure.errno : `${call.name} (${call.why}): ${failure.errno}`;
}
