import { BoxError } from '@boxkit/contracts';
import { askSupervisor, endDescendants, removeCgroups, signalFirstProcess } from '@boxkit/launcher';
import { type ContainerRecord, type DiskStore, isAlive, pidOf, thisProcess } from '@boxkit/store';
import type { Cancellable } from '../../options.ts';
import { detailsOf } from './details.ts';
import { findContainer, firstProcess, isEnded, summarize, wrongState } from './find.ts';
import { resume } from './pause.ts';
import { settling } from './signals.ts';
import type { ContainerSummary } from './types.ts';
import { hasEnded } from './wait.ts';

/** Removes what is left of a container: processes (with `force`), cgroups, its directory and its name. */
export async function remove(
  store: DiskStore,
  text: string,
  { force = false, signal }: Cancellable & { readonly force?: boolean },
): Promise<ContainerSummary> {
  const record = await findContainer(store, text);
  const summary = summarize(record);
  if (!force && !isEnded(record) && mayStillRun(record)) {
    const why = record.status === 'created' ? 'it is being started' : `it is ${summary.status}`;
    throw wrongState(record, 'remove', why, 'Stop it first, or remove it with --force.');
  }
  if (force) await end(store, record, signal);
  await removeCgroups(detailsOf(record).cgroups);
  await store.containers.remove(record.containerId);
  return summary;
}

/** One that never came to run and whose maker is gone is as good as ended. */
function mayStillRun(record: ContainerRecord): boolean {
  return record.status !== 'created' || isAlive(record.owner, Date.parse(record.created));
}

async function end(store: DiskStore, record: ContainerRecord, signal: AbortSignal | undefined): Promise<void> {
  resume(record);
  // one that does not answer is passed over
  const patience = { signal: AbortSignal.timeout(settling) };
  await askSupervisor(record.path, { do: 'stop', timeout: 0 }, patience).catch(() => {});
  const pid = firstProcess(record);
  if (pid !== undefined) await signalFirstProcess(pid, 'SIGKILL');
  const { root, detached } = detailsOf(record);
  if (root !== undefined) endDescendants({ ...record, root });
  if (record.status !== 'running' || (await hasEnded(store, record.containerId, settling, signal))) return;
  // A supervisor that does not come to its end is of no use to anybody.
  const owner = pidOf(record.owner);
  if (detached && owner !== undefined && record.owner !== thisProcess()) process.kill(owner, 'SIGKILL');
  if (await hasEnded(store, record.containerId, settling, signal)) return;
  throw new BoxError('ERR_BOX_CONTAINER_STATE', `cannot remove the container ${record.name}: it does not end`, {
    fields: { containerId: record.containerId, pid },
  });
}
