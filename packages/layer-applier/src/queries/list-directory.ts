import { readdirSync, type Stats } from 'node:fs';
import { bytes, type Seen } from '../drivers/overlay-view.ts';
import { statOf, type ImageTree, type TreeLayer } from './image-tree.ts';

/** One name of a directory of the image. */
export interface ListedName {
  /** As bytes (latin1). */
  readonly name: string;
  readonly seen: Seen;
  /** Of what is kept in the store; owners are the image's for root only. */
  readonly stats: Stats | undefined;
  readonly layer: TreeLayer | undefined;
}

/** What a process would see in a directory, in the order of the names' bytes. One directory is held at a time. */
export function* listDirectory(tree: ImageTree, merged: readonly string[]): Generator<ListedName, void, undefined> {
  const names = new Set<string>();
  for (const directory of merged) {
    for (const name of readdirSync(bytes(directory), 'latin1')) names.add(name);
  }
  for (const name of [...names].toSorted()) {
    const seen = tree.view.look(merged, name);
    if (seen === undefined) continue;
    const path = seen.kind === 'directory' ? seen.merged[0] : seen.path;
    yield { name, seen, stats: path === undefined ? undefined : statOf(path), layer: tree.ownerOf(merged, name) };
  }
}
