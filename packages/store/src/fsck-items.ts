import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Digest, isDigest } from '@boxkit/contracts';
import { isRecordFile, readContainer } from './container-record.ts';
import { digestOfFile } from './digest-file.ts';
import { errnoOf, unless } from './disk-error.ts';
import type { FsckOptions, FsckProblem } from './fsck-result.ts';
import { imageFileName } from './image-file.ts';
import { readImage } from './image-table.ts';
import { digestPath, type Layout } from './layout.ts';
import { holdsFiles, volumeProblem } from './volume-table.ts';

/** One thing to look at. `check` may be called again, before the thing is removed. */
export interface Item extends Omit<FsckProblem, 'problem' | 'irreplaceable'> {
  readonly bytes?: number;
  /** What is wrong, in words; undefined when all is well, or it is gone. */
  check(): Promise<string | undefined>;
  /** Whether it holds files that no pull brings back. */
  isIrreplaceable?(): boolean;
}

export function* blobItems(layout: Layout, signal: AbortSignal | undefined): Generator<Item> {
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

const treeKinds = [
  ['layers', 'layer'],
  ['indexes', 'layer-index'],
  ['rootfs', 'rootfs'],
] as const;

export function* treeItems(layout: Layout, { verifyTree }: FsckOptions): Generator<Item> {
  for (const [parent, kind] of treeKinds) {
    for (const { digest, path, name } of digestEntries(layout[parent])) {
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat === undefined) continue;
      if (digest === undefined || !stat.isDirectory()) yield unknownItem(path, name, 'it is no tree');
      else yield { kind, name, path, check: async () => verifyTree?.(parent, path) };
    }
  }
}

/** `broken` names blobs that are there and damaged. */
export function* imageItems(layout: Layout, broken: ReadonlySet<string>): Generator<Item> {
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

export function* containerItems(layout: Layout): Generator<Item> {
  for (const name of readdirSync(layout.containers)) {
    const path = join(layout.containers, name);
    yield {
      kind: 'container',
      name,
      path,
      check: async () => containerProblem(path, name),
      isIrreplaceable: () => namesIn(path).some((file) => !isRecordFile(file)),
    };
  }
}

function containerProblem(path: string, name: string): string | undefined {
  try {
    const record = readContainer(path);
    if (record === undefined) return existsSync(path) ? 'its state cannot be read' : undefined;
    return record.containerId === name ? undefined : `its state is that of the container ${record.containerId}`;
  } catch (error) {
    return `its state cannot be read: ${(error as Error).message}`;
  }
}

export function* volumeItems(layout: Layout): Generator<Item> {
  for (const name of namesIn(layout.volumes)) {
    const path = join(layout.volumes, name);
    yield {
      kind: 'volume',
      name,
      path,
      check: async () => volumeProblem(path, name),
      isIrreplaceable: () => holdsFiles(path),
    };
  }
}

function unknownItem(path: string, name: string, problem: string): Item {
  return { kind: 'unknown', name, path, check: async () => problem };
}

function* digestEntries(parent: string): Generator<{ digest: Digest | undefined; path: string; name: string }> {
  for (const algorithm of namesIn(parent)) {
    for (const hex of readdirSync(join(parent, algorithm))) {
      const digest = `${algorithm}:${hex}`;
      yield { digest: isDigest(digest) ? digest : undefined, path: join(parent, algorithm, hex), name: digest };
    }
  }
}

function namesIn(directory: string): string[] {
  return unless('ENOTDIR', [], () => unless('ENOENT', [], () => readdirSync(directory)));
}

function ifGone(error: unknown): undefined {
  if (errnoOf(error) !== 'ENOENT') throw error;
  return undefined;
}
