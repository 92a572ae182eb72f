import { execFile } from 'node:child_process';
import { closeSync, openSync, readdirSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ChainId, type DiffId, isDigest } from '@boxkit/contracts';
import { lockFile } from '@boxkit/linux';
import { errnoOf, unless } from './disk-error.ts';
import { digestPath, type Layout } from './layout.ts';
import { pruneLockOf } from './lease.ts';
import { bootId } from './owner.ts';
import { moveToTrash, type RemoveTree } from './remove-tree.ts';
import { isTreeKind, type TreeKind } from './tree-kind.ts';

/*
 * Thousands of fsync(2) would make an extraction several times slower, so trees are renamed into place unsynced, each
 * with a mark that names the boot: unsynced/<boot>-<kind>-<algorithm>-<hex>. While the machine runs, the kernel shows
 * everyone the whole tree. A mark of another boot means that the machine may have lost power in between: that tree is
 * removed, to be extracted again. Marks are taken away once the kernel has written all of it.
 */

/** Milliseconds after which the kernel has written most of a tree by itself (dirty_expire_centisecs and a little more): then a sync is cheap. */
const settleMs = 60_000;

/** Says that a tree which is about to be renamed into place is not synced. */
export function markUnsynced(layout: Layout, kind: TreeKind, id: DiffId | ChainId): void {
  closeSync(openSync(join(layout.unsynced, `${bootId()}-${kind}-${id.replace(':', '-')}`), 'w', 0o600));
}

export interface Settlement {
  /** Paths of trees that an earlier boot left and that could not be removed: the store is read-only, or full. They count as absent. */
  readonly distrusted: Set<string>;
  /** Set while trees of this boot are being synced in the background. */
  readonly syncing?: Promise<void>;
}

/** Looks at the marks and removes trees that an earlier boot left. Almost always there are none, and this is one system call. */
export async function settleTrees(layout: Layout, removeTree: RemoveTree): Promise<Settlement> {
  const marks = unless('ENOENT', [], () => readdirSync(layout.unsynced));
  if (marks.length === 0) return { distrusted: new Set() };
  const former = marks.filter((mark) => !mark.startsWith(bootId()));
  const distrusted = new Set(former.length === 0 ? [] : await discard(former, layout, removeTree));
  const settled = marks.filter((mark) => mark.startsWith(bootId()) && ageOf(layout, mark) > settleMs);
  return { distrusted, ...(settled.length === 0 ? {} : { syncing: sync(layout, settled) }) };
}

/** Removes the trees of these marks; gives the paths of those that it could not remove. */
async function discard(marks: readonly string[], layout: Layout, removeTree: RemoveTree): Promise<string[]> {
  try {
    await discardAll(layout, removeTree);
    return [];
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return marks.map((mark) => treeOf(mark, layout)).filter((path) => path !== undefined);
  }
}

/** The path of the tree that a mark is of. */
function treeOf(mark: string, layout: Layout): string | undefined {
  const [, kind, algorithm, hex] = mark.split('-');
  const digest = `${algorithm}:${hex}`;
  return isTreeKind(kind) && isDigest(digest) ? digestPath(layout[kind], digest) : undefined;
}

/** Under the lock of prune, so that nobody discards what another has just made again. */
async function discardAll(layout: Layout, removeTree: RemoveTree): Promise<void> {
  const lock = await lockFile(pruneLockOf(layout));
  try {
    for (const mark of readdirSync(layout.unsynced)) {
      if (mark.startsWith(bootId())) continue;
      const path = treeOf(mark, layout);
      const trash = path === undefined ? undefined : moveToTrash(layout, path);
      unlinkSync(join(layout.unsynced, mark));
      if (trash !== undefined) await removeTree(trash);
    }
  } finally {
    lock.release();
  }
}

/**
 * syncfs(2) in a process of its own: it can take as long as the disk has work. Where that program is missing or fails,
 * the marks stay, and the trees are made again after the next boot.
 */
async function sync(layout: Layout, marks: readonly string[]): Promise<void> {
  const synced = await promisify(execFile)('sync', ['--file-system', layout.home]).then(
    () => true,
    () => false,
  );
  if (!synced) return;
  for (const mark of marks) {
    // Not if the tree was removed and made again meanwhile.
    if (ageOf(layout, mark) > settleMs) unless('ENOENT', undefined, () => unlinkSync(join(layout.unsynced, mark)));
  }
}

function ageOf(layout: Layout, mark: string): number {
  return Date.now() - (statSync(join(layout.unsynced, mark), { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
}
