import { setTimeout as delay } from 'node:timers/promises';
import type { RunningContainer } from '@boxkit/contracts';
import { type ContainerRecord, pidOf, thisProcess } from '@boxkit/store';
import type { Cancellable } from '../../options.ts';
import type { Machine } from '../machine.ts';
import { disposeWith, openScope } from '../machine.ts';
import { detach } from './detach.ts';
import { detailsOf } from './details.ts';
import { findContainer, isEnded, wrongState } from './find.ts';
import { planAgain } from './plan-again.ts';
import { recorded } from './record.ts';
import { settling } from './signals.ts';
import type { AgainOptions, DetachedContainer, StartStdio } from './types.ts';

/** Starts a container that has ended once more, on the files that it left, held by a supervisor. */
export async function start(machine: Machine, text: string, options: AgainOptions): Promise<DetachedContainer> {
  const record = await endedContainer(machine, text, options);
  const { supervision = {}, labels } = detailsOf(record);
  const { signal, ...own } = options;
  const how = { ...supervision, ...own, labels, ...(signal === undefined ? {} : { signal }) };
  return detach({ containerId: record.containerId }, how, machine);
}

/** The same with the caller's streams, as `run` does; it ends with the result's disposal, and stays. */
export async function startAttached(
  machine: Machine,
  text: string,
  { stdin = 'pipe', stdout = 'pipe', stderr = 'pipe', signal }: StartStdio & Cancellable,
): Promise<RunningContainer> {
  const cancellable = signal === undefined ? {} : { signal };
  const record = await endedContainer(machine, text, cancellable);
  const { labels } = detailsOf(record);
  const scope = openScope(machine, cancellable);
  return disposeWith(scope, async () => {
    const { planned, reference } = await planAgain(record.containerId, scope);
    const launch = scope.stages.launch({ stdin, stdout, stderr });
    const recording = { store: scope.store, reference, labels, remove: false };
    return recorded(launch, recording).run(planned, scope.context);
  });
}

/** Throws ERR_BOX_CONTAINER_STATE for one that runs or was never started. */
async function endedContainer(machine: Machine, text: string, { signal }: Cancellable): Promise<ContainerRecord> {
  const record = await findContainer(machine.store, text);
  if (record.status === 'created') throw wrongState(record, 'start', 'it never came to run', 'Remove it: `box rm`.');
  if (!isEnded(record)) throw wrongState(record, 'start', 'it runs already');
  await ownerIsGone(record, signal);
  return record;
}

/** The former supervisor has its socket there until it ends, which is a moment after it wrote the exit status. */
async function ownerIsGone(record: ContainerRecord, signal: AbortSignal | undefined): Promise<void> {
  if (!detailsOf(record).detached || record.owner === thisProcess()) return;
  for (const until = Date.now() + settling; pidOf(record.owner) !== undefined && Date.now() < until;) {
    await delay(10, undefined, signal === undefined ? {} : { signal });
  }
}
