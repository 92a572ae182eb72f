import { lockFile } from '@boxkit/linux';
import { diskError } from './disk-error.ts';
import { blobItems, containerItems, imageItems, type Item, treeItems, volumeItems } from './fsck-items.ts';
import { nameItems } from './fsck-names.ts';
import { findLeftovers } from './fsck-leftovers.ts';
import type { FsckOptions, FsckProblem, FsckResult } from './fsck-result.ts';
import type { Layout } from './layout.ts';
import { pruneLockOf } from './lease.ts';
import { moveToTrash, type RemoveTree } from './remove-tree.ts';

/**
 * Hashes every blob again, and checks that every image has its blobs, that containers and volumes have their records, and
 * that names are claimed properly.
 * Abandoned staging and partial blobs are no problems, only counted. Works while others pull.
 */
export async function fsck(layout: Layout, removeTree: RemoveTree, options: FsckOptions = {}): Promise<FsckResult> {
  const { repair = false, signal, emit } = options;
  const problems: FsckProblem[] = [];
  const damaged: Item[] = [];
  const broken = new Set<string>();
  const checked = { blobs: 0, bytes: 0, trees: 0, images: 0, containers: 0, volumes: 0 };
  try {
    // Images last: what is wrong with one is what is wrong with its blobs.
    const items = [
      ...blobItems(layout, signal),
      ...treeItems(layout, options),
      ...containerItems(layout),
      ...volumeItems(layout),
      ...nameItems(layout),
    ];
    for (const item of items) await look(item);
    for (const item of imageItems(layout, broken)) await look(item);
    const leftovers = await findLeftovers(layout, signal);
    if (repair && damaged.length > 0) await removeAll();
    const repaired = repair && problems.length > 0 && damaged.length === problems.length;
    return { checked, problems, repaired, leftovers };
  } catch (error) {
    throw diskError(`check the store ${layout.home}`, error);
  }

  async function look(item: Item): Promise<void> {
    signal?.throwIfAborted();
    if (item.kind === 'blob') checked.blobs += 1;
    if (item.kind === 'layer' || item.kind === 'layer-index' || item.kind === 'rootfs') checked.trees += 1;
    if (item.kind === 'image') checked.images += 1;
    if (item.kind === 'container') checked.containers += 1;
    if (item.kind === 'volume') checked.volumes += 1;
    checked.bytes += item.bytes ?? 0;
    const problem = await item.check();
    if (problem === undefined) return;
    const { kind, name, path } = item;
    const irreplaceable = item.isIrreplaceable?.() === true;
    problems.push({ kind, name, path, problem, ...(irreplaceable ? { irreplaceable } : {}) });
    if (!irreplaceable) damaged.push(item);
    if (kind === 'blob') broken.add(name);
  }

  async function removeAll(): Promise<void> {
    const lock = await lockFile(pruneLockOf(layout), {
      ...(signal === undefined ? {} : { signal }),
      onWait: () => emit?.({ type: 'waiting', for: 'lock', what: 'a prune, or another repair' }),
    });
    try {
      for (const item of damaged) {
        // Another process may have put a sound one in its place.
        const stands = (await item.check()) !== undefined && item.isIrreplaceable?.() !== true;
        const trash = stands ? moveToTrash(layout, item.path) : undefined;
        // From here on an image is judged by whether the blob is there.
        broken.delete(item.name);
        if (trash !== undefined) await removeTree(trash);
      }
    } finally {
      lock.release();
    }
  }
}
