import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BoxError, ChainId, DiffId, Digest, Layer } from '@boxkit/contracts';
import { readTree, temporaryDirectory, writeTar, type RawTarBytes, type TarEntry, type Tree } from '@boxkit/testkit';
import type { ExtractOptions, StagedLayer } from '../staged-layer.ts';
import type { LayerEntry } from '../layer-index/layer-entry.ts';
import { readIndex } from '../layer-index/read-index.ts';
import { createBudgets } from './budgets.ts';
import { extractLayer } from './extract-layer.ts';

export type StageOptions = Partial<Omit<ExtractOptions, 'layer' | 'stream' | 'directory'>> & {
  /** The blob's bytes, when they are not the tar's own. */
  readonly blob?: Uint8Array;
  /** Bytes of the chunks that the stream comes in; default all at once. */
  readonly chunk?: number;
  /** Read the blob from a file, as from the store. */
  readonly fromFile?: boolean;
  /** What the image says, when it is not the truth. */
  readonly diffId?: DiffId;
  readonly digest?: Digest;
};

export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** One layer of these bytes. */
export function layerOf(blob: Uint8Array, tar: Uint8Array = blob): Layer {
  const diffId = sha256(tar);
  return {
    descriptor: { mediaType: 'application/octet-stream', digest: sha256(blob) as Digest, size: blob.length },
    diffId: diffId as DiffId,
    chainId: diffId as ChainId,
  };
}

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve();
    yield bytes.subarray(at, at + size);
  }
}

/** Extracts a tar, as bytes or as entries, into a new directory below `parent`. */
export async function stage(
  parent: string,
  tar: Uint8Array | readonly (TarEntry | RawTarBytes)[],
  options: StageOptions = {},
): Promise<StagedLayer> {
  const bytes = tar instanceof Uint8Array ? tar : writeTar(tar);
  const { blob = bytes, chunk = blob.length || 1, fromFile = false, diffId, digest, ...rest } = options;
  const directory = await mkdtemp(join(parent, 'layer-'));
  const truth = layerOf(blob, bytes);
  const layer: Layer = {
    ...truth,
    diffId: diffId ?? truth.diffId,
    descriptor: { ...truth.descriptor, digest: digest ?? truth.descriptor.digest },
  };
  let path: string | undefined;
  if (fromFile) {
    await mkdir(join(parent, 'blobs'), { recursive: true });
    path = join(parent, 'blobs', sha256(blob));
    await writeFile(path, blob);
  }
  return extractLayer({
    layer,
    stream: { path, [Symbol.asyncIterator]: () => chunksOf(blob, chunk) },
    directory,
    ownership: process.geteuid?.() === 0 ? 'host' : 'single',
    privileged: process.geteuid?.() === 0,
    whiteouts: 'record',
    budgets: createBudgets(),
    signal: new AbortController().signal,
    emit: () => {},
    ...rest,
  });
}

/** Extracts, and gives what is in the tree and in the index. */
export async function extracted(
  tar: Uint8Array | readonly (TarEntry | RawTarBytes)[],
  options: StageOptions = {},
): Promise<{ staged: StagedLayer; tree: Tree; index: LayerEntry[] }> {
  await using directory = await temporaryDirectory('layer');
  const staged = await stage(directory.path, tar, options);
  return { staged, tree: await readTree(staged.path), index: [...readIndex(staged.index)] };
}

/** The error that an extraction ends with. Fails when it ends well. */
export async function failure(
  tar: Uint8Array | readonly (TarEntry | RawTarBytes)[],
  options: StageOptions = {},
): Promise<BoxError> {
  try {
    await extracted(tar, options);
  } catch (error) {
    return error as BoxError;
  }
  throw new Error('the layer was extracted, though it should not have been');
}

/** The paths of a tree, without the root. */
export function paths(tree: Tree): string[] {
  return [...tree.keys()].filter((path) => path !== '.');
}
