import { readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { unless } from './disk-error.ts';
import type { Layout } from './layout.ts';
import { isAbandoned } from './owner.ts';
import { forsakenContainers, removeContainer } from './remove-container.ts';
import { moveToTrash } from './remove-tree.ts';
import type { Session } from './session.ts';

/** What processes that died left in `tmp/` and `leases/`. Partial blobs are no waste: the next pull resumes them. */
export function abandoned(layout: Layout): { readonly staging: readonly string[]; readonly leases: readonly string[] } {
  const within = (directory: string): string[] =>
    readdirSync(directory)
      .map((name) => join(directory, name))
      .filter((path) => path !== layout.partial && isAbandoned(path));
  return { staging: within(layout.tmp), leases: within(layout.leases) };
}

/** Removes what processes that died left behind, containers that were not to be kept included. Many processes may sweep at once. Stops at the first directory that it may not remove. */
export async function sweep({
  layout,
  removeTree,
  endForsaken,
}: Pick<Session, 'layout' | 'removeTree' | 'endForsaken'>): Promise<void> {
  const { staging, leases } = abandoned(layout);
  for (const path of leases) unless('ENOENT', undefined, () => unlinkSync(path));
  for (const path of staging) {
    // Under a name of ours, so that no other process sweeps it at the same time.
    const trash = moveToTrash(layout, path);
    if (trash !== undefined) await removeTree(trash);
  }
  for (const record of forsakenContainers(layout)) {
    await endForsaken(record);
    await removeContainer(layout, removeTree, record.containerId);
  }
}
