import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import {
  BoxError,
  type PlannedContainer,
  type RunningContainer,
  type Stage,
  type StageContext,
} from '@boxkit/contracts';
import { openDescriptors } from './descriptors.ts';
import { ContainerNetwork } from './network/container-network.ts';
import { readReports, type ReportReader } from './report-reader.ts';
import { Container } from './container.ts';
import { openStdio, openTerminalStdio, type LaunchStdio, type OpenStdio } from './stdio.ts';

export type LaunchOptions = LaunchStdio;

/**
 * Starts a planned container. Resolves when nothing but the command itself is left to start; rejects with
 * ERR_BOX_CONTAINER_SETUP when the kernel refuses a step of the plan, ERR_BOX_LAUNCH_FAILED when the host program cannot
 * be started. A command that cannot be executed is an exit status, 126 or 127.
 */
export function launch(options: LaunchOptions = {}): Stage<PlannedContainer, RunningContainer> {
  return { name: 'launch', run: (planned, context) => start(planned, context, options) };
}

async function start(
  planned: PlannedContainer,
  context: StageContext,
  options: LaunchOptions,
): Promise<RunningContainer> {
  context.signal.throwIfAborted();
  const stdio = planned.plan.terminal ? openTerminalStdio() : openStdio(options);
  const child = await spawnPlan(planned, context.store.home, stdio);
  const reports = readReports(reportStream(planned, child));
  const network = connectNetwork(planned, { child, reports, home: context.store.home });
  const container = new Container(planned, {
    child,
    stdio,
    reports,
    network,
    signal: context.signal,
    emit: (event) => context.emit(event),
  });
  context.defer(() => container[Symbol.asyncDispose]());
  try {
    await network?.connected;
    await container.ready;
    context.signal.throwIfAborted();
    return container;
  } catch (error) {
    await container[Symbol.asyncDispose]();
    context.signal.throwIfAborted();
    throw error;
  }
}

async function spawnPlan(planned: PlannedContainer, home: string, stdio: OpenStdio): Promise<ChildProcess> {
  const { plan } = planned;
  try {
    using descriptors = openDescriptors(plan, home);
    const [program, ...args] = plan.argv;
    const child = spawn(program, args, {
      env: plan.env,
      cwd: '/',
      // a session of its own: signals of the caller's terminal reach the container through the launcher only
      detached: true,
      stdio: [...stdio.child, ...descriptors.stdio],
    });
    if (child.pid === undefined) {
      const [cause] = await once(child, 'error');
      throw launchError(program, cause);
    }
    stdio.release();
    return child;
  } catch (error) {
    stdio.destroy();
    throw error;
  }
}

function connectNetwork(
  { plan, bundle }: PlannedContainer,
  started: { readonly child: ChildProcess; readonly reports: ReportReader; readonly home: string },
): ContainerNetwork | undefined {
  if (plan.network === undefined) return undefined;
  const { child, reports, home } = started;
  return new ContainerNetwork(plan.network, { pid: child.pid ?? -1, reports, home, directory: bundle.directory });
}

function reportStream({ plan }: PlannedContainer, child: ChildProcess): Duplex | undefined {
  const descriptor = plan.descriptors.find(({ kind }) => kind === 'report');
  if (descriptor === undefined) return undefined;
  const stream: unknown = child.stdio[descriptor.fd as 3];
  return stream instanceof Duplex ? stream : undefined;
}

function launchError(program: string, cause: unknown): BoxError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new BoxError('ERR_BOX_LAUNCH_FAILED', `cannot start ${program}: ${why}`, { cause });
}
