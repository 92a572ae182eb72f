import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { BoxEvent, Digest } from '@boxkit/contracts';
import { isDigest } from '@boxkit/contracts';
import { lockFile } from '@boxkit/linux';
import { readContainer } from './container-record.ts';
import { digestOfFile } from './digest-file.ts';
import { diskError, errnoOf } from './disk-error.ts';
import { imageFileName } from './image-file.ts';
import { readImage } from './image-table.ts';
import type { Layout } from './layout.ts';
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

/**
 * Hashes every blob again and checks that every image has its blobs. Abandoned staging and partial blobs are no
 * problems: the next command removes or resumes them. Works while others pull.
 */
export async function fsck(layout: Layout, removeTree: RemoveTree, options: FsckOptions = {}): Promise<FsckResult> {
  const { repair = false, signal, emit } = options;
  try {
    const blobs = await checkBlobs(layout, signal);
    const trees = await checkTrees(layout, options);
    const images = checkImages(layout, blobs.broken);
    const problems = [...blobs.problems, ...trees.problems, ...images.problems, ...checkContainers(layout)];
    if (repair && problems.length > 0) await removeAll(problems);
    return {
      checked: { blobs: blobs.count, bytes: blobs.bytes, trees: trees.count, images: images.count },
      problems,
      repaired: repair && problems.length > 0,
    };
  } catch (error) {
    throw diskError(`check the store ${layout.home}`, error);
  }

  async function removeAll(problems: readonly FsckProblem[]): Promise<void> {
    const lock = await lockFile(pruneLockOf(layout), {
      ...(signal === undefined ? {} : { signal }),
      onWait: () => emit?.({ type: 'waiting', for: 'lock', what: 'a prune, or another repair' }),
    });
    try {
      for (const { path } of problems) {
        const trash = moveToTrash(layout, path);
        if (trash !== undefined) await removeTree(trash);
      }
    } finally {
      lock.release();
    }
  }
}

interface Found {
  count: number;
  problems: FsckProblem[];
}

async function checkBlobs(layout: Layout, signal: AbortSignal | undefined) {
  const found = { count: 0, bytes: 0, problems: [] as FsckProblem[], broken: new Set<string>() };
  for (const { digest, path, name } of digestEntries(layout.blobs)) {
    signal?.throwIfAborted();
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    if (digest === undefined || !stat.isFile()) {
      found.problems.push({ kind: 'unknown', name, path, problem: 'it is no blob' });
      continue;
    }
    const actual = await digestOfFile(path, digest, signal).catch(ifGone);
    if (actual === undefined) continue;
    found.count += 1;
    found.bytes += stat.size;
    if (actual === digest) continue;
    found.broken.add(digest);
    found.problems.push({ kind: 'blob', name: digest, path, problem: `its bytes have the digest ${actual}` });
  }
  return found;
}

async function checkTrees(layout: Layout, { verifyTree, signal }: FsckOptions): Promise<Found> {
  const found: Found = { count: 0, problems: [] };
  for (const kind of ['layers', 'rootfs'] as const) {
    for (const { digest, path, name } of digestEntries(layout[kind])) {
      signal?.throwIfAborted();
      if (digest === undefined || statSync(path, { throwIfNoEntry: false })?.isDirectory() === false) {
        found.problems.push({ kind: 'unknown', name, path, problem: 'it is no tree' });
        continue;
      }
      found.count += 1;
      const problem = await verifyTree?.(kind, path);
      if (problem !== undefined) {
        found.problems.push({ kind: kind === 'layers' ? 'layer' : 'rootfs', name: digest, path, problem });
      }
    }
  }
  return found;
}

function checkImages(layout: Layout, broken: ReadonlySet<string>): Found {
  const found: Found = { count: 0, problems: [] };
  for (const name of readdirSync(layout.images)) {
    const path = join(layout.images, name);
    const problem = imageProblem(path, name, layout, broken);
    if (problem !== undefined) found.problems.push({ kind: 'image', name, path, problem });
    found.count += 1;
  }
  return found;
}

function imageProblem(path: string, name: string, layout: Layout, broken: ReadonlySet<string>): string | undefined {
  try {
    const image = readImage(path);
    if (image === undefined) return undefined;
    if (imageFileName(image.reference) !== name)
      return `it holds the image ${image.reference}, which belongs elsewhere`;
    const needed = new Set([image.root.digest, image.manifest.digest, image.config.digest, ...image.blobs]);
    const unsound = [...needed].filter((digest) => broken.has(digest) || !hasBlob(layout, digest));
    return unsound.length === 0 ? undefined : `it lacks ${unsound.length} of its blobs: ${unsound.join(', ')}`;
  } catch (error) {
    return (error as Error).message;
  }
}

function hasBlob(layout: Layout, digest: Digest): boolean {
  return statSync(join(layout.blobs, ...digest.split(':')), { throwIfNoEntry: false }) !== undefined;
}

function checkContainers(layout: Layout): FsckProblem[] {
  return readdirSync(layout.containers)
    .map((name) => ({ name, path: join(layout.containers, name) }))
    .filter(({ path }) => statSync(path, { throwIfNoEntry: false }) !== undefined && readContainer(path) === undefined)
    .map(({ name, path }) => ({ kind: 'container', name, path, problem: 'its state cannot be read' }));
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
