import { execFile } from 'node:child_process';
import { closeSync, openSync, readdirSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ChainId, DiffId } from '@boxkit/contracts';
import { lockFile } from '@boxkit/linux';
import { unless } from './disk-error.ts';
import { digestPath, type Layout } from './layout.ts';
import { pruneLockOf } from './lease.ts';
import { bootId } from './owner.ts';
import { moveToTrash, type RemoveTree } from './remove-tree.ts';
import type { TreeKind } from './tree-store.ts';

/*
 * Thousands of fsync(2) would make an extraction several times slower, so trees are renamed into place unsynced, each
 * with a mark that names the boot: unsynced/<boot>-<kind>-<algorithm>-<hex>. While the machine runs, the kernel shows
 * everyone the whole tree. A mark of another boot means that the machine may have lost power in between: that tree is
 * removed, to be extracted again. Marks are taken away once the kernel has written all of it.
 */

const execFileAsync = promisify(execFile);

/** Milliseconds after which the kernel has written most of a tree by itself (dirty_expire_centisecs and a little more): then a sync is cheap. */
const settleMs = 60_000;

/** Says that a tree which is about to be renamed into place is not synced. */
export function markUnsynced(layout: Layout, kind: TreeKind, id: DiffId | ChainId): void {
  closeSync(openSync(join(layout.unsynced, `${bootId()}-${kind}-${id.replace(':', '-')}`), 'w', 0o600));
}

/**
 * Looks at the marks: removes trees that an earlier boot left, and gives a promise when trees of this boot are being
 * synced in the background. Almost always there are none, and this is one system call.
 */
export async function settleTrees(layout: Layout, removeTree: RemoveTree): Promise<{ syncing?: Promise<void> }> {
  const marks = unless('ENOENT', [], () => readdirSync(layout.unsynced));
  if (marks.length === 0) return {};
  if (marks.some((mark) => !mark.startsWith(bootId()))) await discardAll(layout, removeTree);
  const settled = marks.filter((mark) => mark.startsWith(bootId()) && ageOf(layout, mark) > settleMs);
  return settled.length === 0 ? {} : { syncing: sync(layout, settled) };
}

/** Under the lock of prune, so that nobody discards what another has just made again. */
async function discardAll(layout: Layout, removeTree: RemoveTree): Promise<void> {
  const lock = await lockFile(pruneLockOf(layout));
  try {
    for (const mark of readdirSync(layout.unsynced)) {
      const [boot, kind, algorithm, hex] = mark.split('-');
      if (boot === bootId() || (kind !== 'layers' && kind !== 'rootfs')) continue;
      const trash = moveToTrash(layout, digestPath(layout[kind], `${algorithm}:${hex}` as DiffId));
      unlinkSync(join(layout.unsynced, mark));
      if (trash !== undefined) await removeTree(trash);
    }
  } finally {
    lock.release();
  }
}

/** syncfs(2) in a process of its own: it can take as long as the disk has work. */
async function sync(layout: Layout, marks: readonly string[]): Promise<void> {
  await execFileAsync('sync', ['--file-system', layout.home]);
  for (const mark of marks) {
    // Not if the tree was removed and made again meanwhile.
    if (ageOf(layout, mark) > settleMs) unless('ENOENT', undefined, () => unlinkSync(join(layout.unsynced, mark)));
  }
}

function ageOf(layout: Layout, mark: string): number {
  return Date.now() - (statSync(join(layout.unsynced, mark), { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
}
