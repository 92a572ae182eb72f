import { rmdirSync } from 'node:fs';
import { endDescendants, removeCgroups } from '@boxkit/launcher';
import { abandonedCgroups } from '@boxkit/linux';
import { type DiskStore, isAlive } from '@boxkit/store';
import { detailsOf } from './details.ts';
import { firstProcess } from './find.ts';

/**
 * Removes what containers left whose launcher was killed: their cgroups, and what still runs of those without a PID
 * namespace that nobody wants to keep.
 */
export async function removeLeftovers(store: DiskStore): Promise<void> {
  for (const record of await store.containers.list()) {
    const { cgroups, root } = detailsOf(record);
    const isHeld = firstProcess(record) !== undefined || isAlive(record.owner, Date.parse(record.created));
    if (isHeld || record.status === 'created') continue;
    if (root !== undefined && !record.kept) endDescendants(root);
    await removeCgroups(cgroups);
  }
  // Those of containers that have been swept away since, and of other homes.
  for (const directory of abandonedCgroups()) removeEmpty(directory);
}

function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // something runs in it, it is another user's, or somebody else has removed it
  }
}
