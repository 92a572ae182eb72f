import { existsSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BoxError } from '@boxkit/contracts';
import { type ContainerRecord, type DiskStore, type Owner, ownerOf, pidOf } from '@boxkit/store';
import { detailsOf } from './details.ts';
import { findContainer, pausedFile, requireProcess, wrongState } from './find.ts';
import { describe, processesOf } from './processes.ts';

/** How a container was paused, and which of its processes were stopped for it. */
interface Paused {
  readonly freezer?: string;
  readonly stopped: readonly Owner[];
}

/** Looks at all processes before giving up on one that keeps making others. */
const rounds = 200;
const pauseBetween = 5;

/** Freezes the container's cgroup where it has one of cgroup v2, else stops its processes, one and all, by SIGSTOP. */
export async function pause(store: DiskStore, text: string): Promise<void> {
  const record = await findContainer(store, text);
  requireProcess(record, 'pause');
  if (existsSync(join(record.path, pausedFile))) throw wrongState(record, 'pause', 'it is paused already');
  const freezer = detailsOf(record)
    .cgroups.map((directory) => join(directory, 'cgroup.freeze'))
    .find((file) => existsSync(file));
  if (freezer === undefined) {
    await stopAll(record);
  } else {
    writeFileSync(freezer, '1');
    note(record, { freezer, stopped: [] });
  }
}

export async function unpause(store: DiskStore, text: string): Promise<void> {
  const record = await findContainer(store, text);
  requireProcess(record, 'unpause');
  if (!existsSync(join(record.path, pausedFile))) throw wrongState(record, 'unpause', 'it is not paused');
  resume(record);
}

/** Lets a paused container go on; nothing happens to another. */
export function resume(record: ContainerRecord): void {
  const path = join(record.path, pausedFile);
  if (!existsSync(path)) return;
  const { freezer, stopped } = JSON.parse(readFileSync(path, 'utf8')) as Paused;
  if (freezer !== undefined && existsSync(freezer)) writeFileSync(freezer, '0');
  for (const owner of stopped) {
    const pid = pidOf(owner);
    if (pid !== undefined) send(pid, 'SIGCONT');
  }
  unlinkSync(path);
}

/**
 * A process may fork before it is stopped, and one inside may wake another, until all are: so again until a look finds
 * none that runs. What its own shell had stopped before is not ours to wake.
 */
async function stopAll(record: ContainerRecord): Promise<void> {
  const stopped = new Set<Owner>();
  for (let round = 0; round < rounds; round++) {
    const awake = processesOf(record).filter((pid) => !/^[TtZX]?$/.test(describe(pid)?.state ?? ''));
    if (awake.length === 0) return;
    for (const pid of awake) {
      const owner = ownerOf(pid);
      if (owner === undefined) continue;
      stopped.add(owner);
      // before the signal: whoever comes after a crash of ours knows whom to wake
      note(record, { stopped: [...stopped] });
      send(pid, 'SIGSTOP');
    }
    await delay(pauseBetween);
  }
  resume(record);
  throw new BoxError(
    'ERR_BOX_CONTAINER_STATE',
    `cannot pause the container ${record.name}: its processes do not stop`,
    {
      hint: 'Start it with a limit (--pids-limit) on a machine with cgroup v2, whose freezer is then used.',
    },
  );
}

function note(record: ContainerRecord, paused: Paused): void {
  writeFileSync(join(record.path, pausedFile), JSON.stringify(paused), { mode: 0o600 });
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended
  }
}
