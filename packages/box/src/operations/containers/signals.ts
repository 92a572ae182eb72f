import { askSupervisor, signalFirstProcess } from '@boxkit/launcher';
import type { ContainerRecord, DiskStore } from '@boxkit/store';
import type { Cancellable } from '../../options.ts';
import { detailsOf } from './details.ts';
import { findContainer, firstProcess, requireProcess, summarize, wrongState } from './find.ts';
import { resume } from './pause.ts';
import type { ContainerSummary } from './types.ts';
import { noteSignal } from './meant-signal.ts';
import { hasEnded } from './wait.ts';

/** Sends a signal to the first process. Throws ERR_BOX_CONTAINER_STATE when there is none. */
export async function kill(store: DiskStore, text: string, signal: NodeJS.Signals | number): Promise<void> {
  const record = await findContainer(store, text);
  requireProcess(record, 'signal');
  if (!(await send(record, signal))) throw wrongState(record, 'signal', 'it is not running');
}

/** Through the supervisor where there is one, which knows then why the process ended. */
async function send(record: ContainerRecord, signal: NodeJS.Signals | number): Promise<boolean> {
  const reply = await askSupervisor(record.path, { do: 'kill', signal });
  if (reply !== undefined && 'sent' in reply) return reply.sent;
  const pid = firstProcess(record);
  return pid !== undefined && signalFirstProcess(pid, signal, (meant) => noteSignal(record.path, meant));
}

export async function stop(
  store: DiskStore,
  text: string,
  { timeout, signal }: Cancellable & { readonly timeout?: number },
): Promise<ContainerSummary> {
  const record = await findContainer(store, text);
  if (record.status !== 'running') return summarize(record);
  // a process that is stopped cannot end politely
  resume(record);
  const { stop: how } = detailsOf(record);
  const request = { do: 'stop', ...(timeout === undefined ? {} : { timeout }) } as const;
  const reply = await askSupervisor(record.path, request, signal === undefined ? {} : { signal });
  if (reply === undefined) {
    await send(record, how.signal);
    if (!(await hasEnded(store, record.containerId, timeout ?? how.timeout, signal))) await send(record, 'SIGKILL');
  }
  await hasEnded(store, record.containerId, settling, signal);
  return summarize((await store.containers.find(record.containerId)) ?? { ...record, status: 'exited' });
}

/** Milliseconds that a process of box may take to write down the end of a container. */
export const settling = 10_000;
