import { setTimeout as delay } from 'node:timers/promises';
import { BoxError, type ExitStatus } from '@boxkit/contracts';
import { askSupervisor } from '@boxkit/launcher';
import type { ContainerRecord, DiskStore } from '@boxkit/store';
import type { Cancellable } from '../../options.ts';
import { findContainer, isEnded } from './find.ts';

/** Milliseconds between looks at the record. */
const pause = 50;

/** Resolves to how a container ended, when it has. */
export async function wait(store: DiskStore, text: string, { signal }: Cancellable): Promise<ExitStatus> {
  const record = await findContainer(store, text);
  if (record.status === 'exited') return exitOf(record);
  // It is told before the record goes, with a container that is removed at its end.
  const reply = await askSupervisor(record.path, { do: 'wait' }, signal === undefined ? {} : { signal });
  if (reply !== undefined && 'exit' in reply) return reply.exit;
  for (;;) {
    signal?.throwIfAborted();
    const now = await store.containers.find(record.containerId);
    if (now === undefined) {
      throw new BoxError('ERR_BOX_CONTAINER_UNKNOWN', `cannot tell how the container ${text} ended: it was removed`, {
        fields: { container: text },
      });
    }
    if (isEnded(now)) return exitOf(now);
    await delay(pause, undefined, signal === undefined ? {} : { signal });
  }
}

/** Waits until nothing of a container runs any more; false when that takes longer than `limit` milliseconds. */
export async function hasEnded(
  store: DiskStore,
  containerId: string,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  for (const until = Date.now() + limit; ;) {
    signal?.throwIfAborted();
    const now = await store.containers.find(containerId);
    if (now === undefined || isEnded(now)) return true;
    if (Date.now() >= until) return false;
    await delay(pause, undefined, signal === undefined ? {} : { signal });
  }
}

function exitOf({ exit }: ContainerRecord): ExitStatus {
  return exit ?? { code: 125, reason: 'its end was not seen' };
}
