import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { freeName } from './container-names.ts';
import { type ContainerRecord, isForsaken, readContainer } from './container-record.ts';
import type { Layout } from './layout.ts';
import { moveToTrash, type RemoveTree } from './remove-tree.ts';

/** Removes a container's directory and frees its name; false when there was none. Throws what node:fs throws. */
export async function removeContainer(layout: Layout, removeTree: RemoveTree, containerId: string): Promise<boolean> {
  if (!/^[0-9a-f]{64}$/.test(containerId)) return false;
  const path = join(layout.containers, containerId);
  const record = readContainer(path);
  const trash = moveToTrash(layout, path);
  // After the directory: until then the name is taken.
  if (record !== undefined) freeName(layout, record.name, containerId);
  if (trash !== undefined) await removeTree(trash);
  return trash !== undefined;
}

/** Containers that their owners were killed before they could remove. */
export function forsakenContainers(layout: Layout): ContainerRecord[] {
  return readdirSync(layout.containers)
    .map((containerId) => readContainer(join(layout.containers, containerId)))
    .filter((record) => record !== undefined)
    .filter(isForsaken);
}
