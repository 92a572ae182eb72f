import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { BoxError, type LaunchPlan } from '@boxkit/contracts';
import { openDescriptors } from './descriptors.ts';
import { readReports } from './report-reader.ts';

export interface RunPlanOptions {
  /** Where the stub is kept. */
  readonly home: string;
  /** For messages, continues "cannot ...". */
  readonly action: string;
  readonly signal?: AbortSignal;
}

/** Carries out a plan that is no container, to its end. Throws ERR_BOX_CONTAINER_SETUP with what it printed. */
export async function runPlan(
  plan: Pick<LaunchPlan, 'argv' | 'env' | 'descriptors'>,
  { home, action, signal }: RunPlanOptions,
): Promise<void> {
  signal?.throwIfAborted();
  using descriptors = openDescriptors(plan, home);
  const [program, ...args] = plan.argv;
  const child = spawn(program, args, {
    env: plan.env,
    cwd: '/',
    detached: true,
    killSignal: 'SIGKILL',
    ...(signal === undefined ? {} : { signal }),
    stdio: ['ignore', 'ignore', 'pipe', ...descriptors.stdio],
  });
  const channel = plan.descriptors.find(({ kind }) => kind === 'report');
  const stream: unknown = channel === undefined ? undefined : child.stdio[channel.fd as 3];
  const reports = readReports(stream instanceof Duplex ? stream : undefined);
  const printed = child.stderr === null ? '' : text(child.stderr);
  const [code, by] = await once(child, 'close').catch((cause: unknown) => {
    signal?.throwIfAborted();
    throw new BoxError('ERR_BOX_CONTAINER_SETUP', `cannot ${action}: ${String(cause)}`, { cause });
  });
  const failure = (await reports.all).find((report) => report.kind === 'failed');
  if (code === 0 && failure === undefined) return;
  throw new BoxError('ERR_BOX_CONTAINER_SETUP', `cannot ${action}: ${await why()}`);

  async function why(): Promise<string> {
    if (failure === undefined) return (await printed).trim() || `it ended with ${by ?? `status ${code}`}`;
    const list = plan.descriptors.find(({ fd }) => fd === failure.list);
    const call = list?.kind === 'system-calls' ? list.calls[failure.position] : undefined;
    return call === undefined ? failure.errno : `${call.name} (${call.why}): ${failure.errno}`;
  }
}
