import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BoxError } from '@boxkit/contracts';
import { processesOf } from '@boxkit/launcher';
import { type ContainerRecord, type DiskStore, isAlive, pidOf } from '@boxkit/store';
import { detailsOf } from './details.ts';
import type { ContainerStatus, ContainerSummary } from './types.ts';

/** There while a container is paused; see pause.ts. */
export const pausedFile = 'paused.json';

/** Throws ERR_BOX_CONTAINER_UNKNOWN. */
export async function findContainer(store: DiskStore, text: string): Promise<ContainerRecord> {
  const record = await store.containers.find(text);
  if (record !== undefined) return record;
  throw new BoxError('ERR_BOX_CONTAINER_UNKNOWN', `cannot find the container ${text}`, {
    hint: '`box ps -a` lists those there are.',
    fields: { container: text },
  });
}

export function summarize(record: ContainerRecord): ContainerSummary {
  const { containerId, name, path, created, started, finished, exit } = record;
  const { reference, command, labels, isolator, detached, terminal, restarts = 0, ports = [] } = detailsOf(record);
  const status = statusOf(record);
  const pid = status === 'running' || status === 'paused' ? firstProcess(record) : undefined;
  return {
    containerId,
    name,
    reference,
    command,
    status,
    created,
    ...(started === undefined ? {} : { started }),
    ...(finished === undefined ? {} : { finished }),
    ...(status === 'exited' && exit !== undefined ? { exit } : {}),
    ...(pid === undefined ? {} : { pid }),
    labels,
    isolator,
    detached,
    terminal,
    restarts,
    ports: status === 'exited' ? [] : ports,
    path,
  };
}

/** The container's first process as the host numbers it; undefined when it has ended. */
export function firstProcess(record: ContainerRecord): number | undefined {
  return record.process === undefined ? undefined : pidOf(record.process);
}

function statusOf(record: ContainerRecord): ContainerStatus {
  if (record.status === 'exited' && leftovers(record).length > 0) return 'running';
  if (record.status !== 'running') return record.status;
  if (existsSync(join(record.path, pausedFile))) return 'paused';
  const between = detailsOf(record).detached && firstProcess(record) === undefined;
  return between && isAlive(record.owner, Date.now()) ? 'restarting' : 'running';
}

/** What still runs of a container without a PID namespace whose first process has ended. */
export function leftovers(record: ContainerRecord): readonly number[] {
  const { root } = detailsOf(record);
  return root === undefined ? [] : processesOf({ ...record, root });
}

export function isEnded(record: ContainerRecord): boolean {
  return record.status === 'exited' && leftovers(record).length === 0;
}

/** For what only a running container can do. Throws ERR_BOX_CONTAINER_STATE. */
export function requireProcess(record: ContainerRecord, what: string): number {
  const pid = record.status === 'running' ? firstProcess(record) : undefined;
  if (pid !== undefined) return pid;
  throw wrongState(record, what, 'it is not running');
}

export function wrongState(record: ContainerRecord, what: string, why: string, hint?: string): BoxError {
  return new BoxError('ERR_BOX_CONTAINER_STATE', `cannot ${what} the container ${record.name}: ${why}`, {
    ...(hint === undefined ? {} : { hint }),
    fields: { containerId: record.containerId, status: record.status },
  });
}
