import type { BoxEvent, ExitStatus, PlannedContainer, RunningContainer, Stage, StageContext } from '@boxkit/contracts';
import { type DiskContainer, type DiskStore, ownerOf } from '@boxkit/store';
import type { ContainerDetails } from './details.ts';
import { meantStatus } from './meant-signal.ts';
import { saveBundle } from './saved-bundle.ts';

export interface RecordOptions {
  readonly store: DiskStore;
  /** The image's name, or what stands for it. */
  readonly reference: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Whether the container goes when it is disposed of; otherwise it stays in the list with its files. */
  readonly remove: boolean;
}

/** `launch` that also keeps the container's record true: what runs in it since when, and how it ended. */
export function recorded(
  launch: Stage<PlannedContainer, RunningContainer>,
  options: RecordOptions,
): Stage<PlannedContainer, RunningContainer> {
  return {
    name: launch.name,
    async run(planned, context) {
      const watched = watchStart(context);
      const container = await launch.run(planned, watched.context);
      // Made by a stage that keeps no container in the store.
      if ((await options.store.containers.find(planned.containerId)) === undefined) return container;
      try {
        const handle = await options.store.containers.adopt(planned.containerId);
        await recordStart(handle, planned, { ...options, pid: watched.pid(), detached: false });
        const exit = recordedExit(container.exit, handle);
        exit.catch(() => {});
        return Object.defineProperty(container, 'exit', { configurable: true, value: exit });
      } catch (error) {
        await container[Symbol.asyncDispose]();
        throw error;
      }
    },
  };
}

/** A context that learns the pid of the container's first process from the event that tells it. */
export function watchStart(context: StageContext): {
  readonly context: StageContext;
  readonly pid: () => number | undefined;
} {
  let pid: number | undefined;
  const emit = (event: BoxEvent): void => {
    if (event.type === 'container-started') ({ pid } = event);
    context.emit(event);
  };
  return { context: { ...context, emit, defer: (cleanup) => context.defer(cleanup) }, pid: () => pid };
}

export interface StartOptions extends Omit<RecordOptions, 'store'> {
  /** The container's first process; undefined when its command could not be executed. */
  readonly pid: number | undefined;
  readonly detached: boolean;
  readonly restarts?: number;
  readonly supervision?: ContainerDetails['supervision'];
}

/** Writes down that a container runs, and all that a later command has to know of it. */
export async function recordStart(handle: DiskContainer, planned: PlannedContainer, how: StartOptions): Promise<void> {
  const { plan, bundle, stop } = planned;
  const details: ContainerDetails = {
    reference: how.reference,
    command: bundle.process.argv,
    labels: how.labels ?? {},
    isolator: plan.isolator,
    cgroups: plan.cgroups ?? [],
    stop,
    terminal: bundle.process.terminal,
    detached: how.detached,
    ...(plan.network === undefined ? {} : { ports: plan.network.ports }),
    ...(how.supervision === undefined ? {} : { supervision: how.supervision }),
    ...(plan.tree === 'descendants' && plan.root !== undefined ? { root: plan.root } : {}),
    ...(how.restarts === undefined ? {} : { restarts: how.restarts }),
  };
  // Before the state: who reads that it runs may rely on the bundle.
  saveBundle(handle.path, bundle);
  const process = how.pid === undefined ? undefined : ownerOf(how.pid);
  const kept = how.remove ? {} : { kept: true };
  const started = { started: new Date().toISOString() };
  // One that has ended already never ran for anybody to see; its end is about to be written.
  const running = process === undefined ? started : { ...started, status: 'running' as const, process };
  await handle.update({ ...running, ...kept, details: { ...details } });
}

async function recordedExit(exit: Promise<ExitStatus>, handle: DiskContainer): Promise<ExitStatus> {
  try {
    const status = meantStatus(handle.path, await exit);
    await recordExit(handle, status);
    return status;
  } catch (error) {
    await recordExit(handle, { code: 125, reason: error instanceof Error ? error.message : String(error) });
    throw error;
  }
}

/** Writes down how a container ended. Where that cannot be written, a reader still sees that nothing runs in it. */
export async function recordExit(handle: DiskContainer, exit: ExitStatus): Promise<void> {
  const finished = new Date().toISOString();
  // removed by somebody else meanwhile, or a full disk
  await handle.update({ status: 'exited', exit, finished }).catch(() => {});
}
