import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { BoxEvent, Digest } from '@boxkit/contracts';
import { isDigest } from '@boxkit/contracts';
import { lockFile } from '@boxkit/linux';
import { readContainer } from './container-record.ts';
import { digestOfFile } from './digest-file.ts';
import { diskError, errnoOf } from './disk-error.ts';
import { imageFileName } from './image-file.ts';
import { readImage } from './image-table.ts';
import { digestPath, type Layout } from './layout.ts';
import { pruneLockOf } from './lease.ts';
import { moveToTrash, type RemoveTree } from './remove-tree.ts';

export interface FsckOptions {
  /** Remove what is damaged; else only say so. */
  readonly repair?: boolean;
  /** Verifies an extracted tree; gives what is wrong with it, in words. Trees are only looked for when absent. */
  readonly verifyTree?: (kind: 'layers' | 'rootfs', path: string) => Promise<string | undefined>;
  readonly signal?: AbortSignal;
  readonly emit?: (event: BoxEvent) => void;
}

export interface FsckResult {
  readonly checked: { readonly blobs: number; readonly bytes: number; readonly trees: number; readonly images: number };
  /** Empty for a sound store. */
  readonly problems: readonly FsckProblem[];
  readonly repaired: boolean;
}

/** Something damaged; to repair it is to remove it, for a pull to bring back. */
export interface FsckProblem {
  readonly kind: 'blob' | 'layer' | 'rootfs' | 'image' | 'container' | 'unknown';
  readonly name: string;
  /** What would be removed. */
  readonly path: string;
  readonly problem: string;
}

/** One thing to look at. `check` may be called again, before the thing is removed. */
interface Item extends Omit<FsckProblem, 'problem'> {
  readonly bytes?: number;
  /** What is wrong, in words; undefined when all is well, or it is gone. */
  check(): Promise<string | undefined>;
}

/**
 * Hashes every blob again and checks that every image has its blobs. Abandoned staging and partial blobs are no
 * problems: the next command removes or resumes them. Works while others pull.
 */
export async function fsck(layout: Layout, removeTree: RemoveTree, options: FsckOptions = {}): Promise<FsckResult> {
  const { repair = false, signal, emit } = options;
  const problems: FsckProblem[] = [];
  const damaged: Item[] = [];
  const broken = new Set<string>();
  const checked = { blobs: 0, bytes: 0, trees: 0, images: 0 };
  try {
    // Images last: what is wrong with one is what is wrong with its blobs.
    const items = [...blobItems(layout, signal), ...treeItems(layout, options), ...containerItems(layout)];
    for (const item of items) await look(item);
    for (const item of imageItems(layout, broken)) await look(item);
    const repaired = repair && damaged.length > 0;
    if (repaired) await removeAll();
    return { checked, problems, repaired };
  } catch (error) {
    throw diskError(`check the store ${layout.home}`, error);
  }

  async function look(item: Item): Promise<void> {
    signal?.throwIfAborted();
    if (item.kind === 'blob') checked.blobs += 1;
    if (item.kind === 'layer' || item.kind === 'rootfs') checked.trees += 1;
    if (item.kind === 'image') checked.images += 1;
    checked.bytes += item.bytes ?? 0;
    const problem = await item.check();
    if (problem === undefined) return;
    const { kind, name, path } = item;
    problems.push({ kind, name, path, problem });
    damaged.push(item);
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
        const trash = (await item.check()) === undefined ? undefined : moveToTrash(layout, item.path);
        // From here on an image is judged by whether the blob is there.
        broken.delete(item.name);
        if (trash !== undefined) await removeTree(trash);
      }
    } finally {
      lock.release();
    }
  }
}

function* blobItems(layout: Layout, signal: AbortSignal | undefined): Generator<Item> {
  for (const { digest, path, name } of digestEntries(layout.blobs)) {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    if (digest === undefined || !stat.isFile()) yield unknownItem(path, name, 'it is no blob');
    else yield { kind: 'blob', name, path, bytes: stat.size, check: async () => blobProblem(path, digest, signal) };
  }
}

async function blobProblem(path: string, digest: Digest, signal?: AbortSignal): Promise<string | undefined> {
  const actual = await digestOfFile(path, digest, signal).catch(ifGone);
  return actual === undefined || actual === digest ? undefined : `its bytes have the digest ${actual}`;
}

function* treeItems(layout: Layout, { verifyTree }: FsckOptions): Generator<Item> {
  for (const parent of ['layers', 'rootfs'] as const) {
    for (const { digest, path, name } of digestEntries(layout[parent])) {
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat === undefined) continue;
      const kind = parent === 'layers' ? 'layer' : 'rootfs';
      if (digest === undefined || !stat.isDirectory()) yield unknownItem(path, name, 'it is no tree');
      else yield { kind, name, path, check: async () => verifyTree?.(parent, path) };
    }
  }
}

function* imageItems(layout: Layout, broken: ReadonlySet<string>): Generator<Item> {
  for (const name of readdirSync(layout.images)) {
    const path = join(layout.images, name);
    yield { kind: 'image', name, path, check: async () => imageProblem(path, name, layout, broken) };
  }
}

function imageProblem(path: string, name: string, layout: Layout, broken: ReadonlySet<string>): string | undefined {
  try {
    const image = readImage(path);
    if (image === undefined) return undefined;
    if (imageFileName(image.reference) !== name)
      return `it holds the image ${image.reference}, which belongs elsewhere`;
    const needed = new Set([image.root.digest, image.manifest.digest, image.config.digest, ...image.blobs]);
    const unsound = [...needed].filter((digest) => broken.has(digest) || !existsSync(digestPath(layout.blobs, digest)));
    return unsound.length === 0 ? undefined : `it lacks ${unsound.length} of its blobs: ${unsound.join(', ')}`;
  } catch (error) {
    return (error as Error).message;
  }
}

function* containerItems(layout: Layout): Generator<Item> {
  for (const name of readdirSync(layout.containers)) {
    const path = join(layout.containers, name);
    const check = async (): Promise<string | undefined> =>
      readContainer(path) === undefined && existsSync(path) ? 'its state cannot be read' : undefined;
    yield { kind: 'container', name, path, check };
  }
}

function unknownItem(path: string, name: string, problem: string): Item {
  return { kind: 'unknown', name, path, check: async () => problem };
}

function* digestEntries(parent: string): Generator<{ digest: Digest | undefined; path: string; name: string }> {
  for (const algorithm of readdirSync(parent)) {
    for (const hex of readdirSync(join(parent, algorithm))) {
      const digest = `${algorithm}:${hex}`;
      yield { digest: isDigest(digest) ? digest : undefined, path: join(parent, algorithm, hex), name: digest };
    }
  }
}

function ifGone(error: unknown): undefined {
  if (errnoOf(error) !== 'ENOENT') throw error;
  return undefined;
}
