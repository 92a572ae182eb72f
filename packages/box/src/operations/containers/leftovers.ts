import { rmdirSync } from 'node:fs';
import { endDescendants, removeCgroups } from '@boxkit/launcher';
import { abandonedCgroups } from '@boxkit/linux';
import { type ContainerRecord, type DiskStore, isAlive } from '@boxkit/store';
import { detailsOf } from './details.ts';
import { firstProcess } from './find.ts';

/**
 * Removes what containers left whose launcher was killed: their cgroups, and what still runs of those without a PID
 * namespace that nobody wants to keep.
 */
export async function removeLeftovers(store: DiskStore): Promise<void> {
  for (const record of await store.containers.list()) {
    const isHeld = firstProcess(record) !== undefined || isAlive(record.owner, Date.parse(record.created));
    if (!isHeld) await endLeftovers(record);
  }
  // Those of containers that have been swept away since, and of other homes.
  for (const directory of abandonedCgroups()) removeEmpty(directory);
}

/** What is left of one whose launcher was killed; processes only when nobody wants to keep it. */
export async function endLeftovers(record: ContainerRecord): Promise<void> {
  const { cgroups, root = unrecorded(record) } = detailsOf(record);
  if (root !== undefined && !record.kept) endDescendants({ ...record, root });
  await removeCgroups(cgroups);
  const ending = `-${record.containerId.slice(0, 12)}`;
  for (const directory of abandonedCgroups()) if (directory.endsWith(ending)) removeEmpty(directory);
}

/** One that was started, but killed before that was written down, is known by its mark, whatever its root. */
function unrecorded({ status }: ContainerRecord): string | undefined {
  return status === 'created' ? '/' : undefined;
}

function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // something runs in it, it is another user's, or somebody else has removed it
  }
}
