import { mkdirSync, readdirSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { lockFile, tryLockFile } from '@boxkit/linux';
import { freeName } from './container-names.ts';
import { diskError, unless } from './disk-error.ts';
import { diskUsage } from './disk-usage.ts';
import { imageFileName } from './image-file.ts';
import type { Layout } from './layout.ts';
import { markOf, pruneLockOf } from './lease.ts';
import { stagingName } from './owner.ts';
import { forsakenContainers } from './remove-container.ts';
import type { DiskStore } from './disk-store.ts';
import type { PrunedItem, PruneOptions, PruneResult } from './prune-result.ts';
import { readRoots, type Roots } from './roots.ts';
import type { Session } from './session.ts';

import { abandoned } from './sweep.ts';

interface Candidate {
  readonly kind: PrunedItem['kind'];
  readonly name: string;
  readonly path: string;
}

/**
 * Removes what no image, container or running process needs, while others pull and run.
 * docs/decisions/store-garbage-collection.md argues why it never takes what they rely on.
 */
export async function prune(store: DiskStore, session: Session, options: PruneOptions = {}): Promise<PruneResult> {
  const { layout, removeTree } = session;
  const { all = false, dryRun = false, signal, emit } = options;
  const removed: PrunedItem[] = [];
  try {
    if (dryRun) {
      for (const candidate of await candidates(store, session, all)) removed.push(await measure(candidate, signal));
      return result(dryRun, removed);
    }
    const trash = join(layout.tmp, stagingName('trash'));
    const taken = await takeAway();
    for (const candidate of taken) removed.push(await measure(candidate, signal));
    await removeTree(trash);
    return result(dryRun, removed);

    /** All that others must wait for: reading the roots, and renames. */
    async function takeAway(): Promise<Candidate[]> {
      const lock = await lockFile(pruneLockOf(layout), {
        ...(signal === undefined ? {} : { signal }),
        onWait: () => emit?.({ type: 'waiting', for: 'lock', what: 'another prune, or a repair' }),
      });
      try {
        mkdirSync(trash, { mode: 0o700 });
        writeFileSync(markOf(layout), '');
        return moveAll(await candidates(store, session, all), trash, layout);
      } finally {
        unless('ENOENT', undefined, () => unlinkSync(markOf(layout)));
        lock.release();
      }
    }
  } catch (error) {
    throw diskError(`prune the store ${layout.home}`, error);
  }
}

function result(dryRun: boolean, removed: readonly PrunedItem[]): PruneResult {
  return { dryRun, removed, bytes: removed.reduce((sum, item) => sum + item.bytes, 0) };
}

async function measure({ kind, name, path }: Candidate, signal: AbortSignal | undefined): Promise<PrunedItem> {
  return { kind, name, bytes: await diskUsage(path, signal) };
}

async function candidates(store: DiskStore, session: Session, all: boolean): Promise<Candidate[]> {
  const { layout } = session;
  const roots = await readRoots(session, store, { all });
  const found: Candidate[] = roots.unused.map(({ reference }) => ({
    kind: 'image',
    name: reference,
    path: join(layout.images, imageFileName(reference)),
  }));
  for await (const { digest } of store.blobs.list()) {
    if (!roots.needs(`blobs/${digest}`)) found.push({ kind: 'blob', name: digest, path: store.blobs.pathOf(digest) });
  }
  for await (const diffId of store.layers.list()) {
    if (!roots.needs(`layers/${diffId}`))
      found.push({ kind: 'layer', name: diffId, path: store.layers.pathOf(diffId) });
  }
  for await (const diffId of store.indexes.list()) {
    if (!roots.needs(`indexes/${diffId}`))
      found.push({ kind: 'layer-index', name: diffId, path: store.indexes.pathOf(diffId) });
  }
  for await (const chainId of store.rootfs.list()) {
    if (!roots.needs(`rootfs/${chainId}`))
      found.push({ kind: 'rootfs', name: chainId, path: store.rootfs.pathOf(chainId) });
  }
  found.push(...partials(layout, roots));
  for (const { name, path } of forsakenContainers(layout)) found.push({ kind: 'container', name, path });
  for (const path of abandoned(layout).staging)
    found.push({ kind: 'staging', name: path.slice(layout.tmp.length + 1), path });
  return found;
}

function partials(layout: Layout, roots: Roots): Candidate[] {
  return ['sha256', 'sha512'].flatMap((algorithm) =>
    readdirSync(join(layout.partial, algorithm))
      .filter((hex) => !roots.needs(`blobs/${algorithm}:${hex}`))
      .map((hex) => ({
        kind: 'partial' as const,
        name: `${algorithm}:${hex}`,
        path: join(layout.partial, algorithm, hex),
      })),
  );
}

/** Renames what was found into `trash`, and says where it is now. */
function moveAll(found: readonly Candidate[], trash: string, layout: Layout): Candidate[] {
  const moved: Candidate[] = [];
  for (const [index, candidate] of found.entries()) {
    const path = join(trash, String(index));
    const moves = candidate.kind === 'partial' ? movePartial(candidate, path) : move(candidate.path, path);
    if (!moves) continue;
    if (candidate.kind === 'container') freeName(layout, candidate.name, basename(candidate.path));
    moved.push({ ...candidate, path });
  }
  return moved;
}

function move(from: string, to: string): boolean {
  return unless('ENOENT', false, () => {
    renameSync(from, to);
    return true;
  });
}

/** A partial blob is its own lock: who holds it is writing. */
function movePartial({ path }: Candidate, to: string): boolean {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return false;
  const lock = tryLockFile(path);
  if (lock === undefined) return false;
  try {
    return move(path, to);
  } finally {
    lock.release();
  }
}
