import type { PlannedContainer, RunningContainer, Stage, StageContext } from '@boxkit/contracts';
import { openDescriptors } from './descriptors.ts';
import { startHostProcess, type HostProcess } from './host-process.ts';
import { ContainerNetwork } from './network/container-network.ts';
import { readReports, type ReportReader } from './report-reader.ts';
import { Container } from './container.ts';
import { openStdio, openTerminalStdio, type LaunchStdio, type OpenStdio } from './stdio.ts';

export interface LaunchOptions extends LaunchStdio {
  /** The first process of the running container that the plan enters, as the host numbers it: a terminal is one of its own. */
  readonly inside?: number;
}

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
  const stdio = planned.plan.terminal ? openTerminalStdio(options.inside) : openStdio(options);
  const { child, reports } = await startPlanned(planned, context.store.home, stdio);
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

interface StartedContainer {
  readonly child: HostProcess;
  readonly reports: ReportReader;
}

async function startPlanned({ plan }: PlannedContainer, home: string, stdio: OpenStdio): Promise<StartedContainer> {
  try {
    using descriptors = openDescriptors(plan, home);
    try {
      const { argv, env } = plan;
      const child = await startHostProcess({ argv, env, descriptors: [...stdio.child, ...descriptors.fds] });
      stdio.release();
      return { child, reports: readReports(descriptors.report) };
    } catch (error) {
      descriptors.report?.destroy();
      throw error;
    }
  } catch (error) {
    stdio.destroy();
    throw error;
  }
}

function connectNetwork(
  { plan, bundle }: PlannedContainer,
  started: StartedContainer & { readonly home: string },
): ContainerNetwork | undefined {
  if (plan.network === undefined) return undefined;
  const { child, reports, home } = started;
  return new ContainerNetwork(plan.network, { pid: child.pid, reports, home, directory: bundle.directory });
}
