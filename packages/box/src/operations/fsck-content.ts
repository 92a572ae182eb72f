import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { type Digest, isBoxError, type Layer, type StageContext } from '@boxkit/contracts';
import { createBudgets, extractLayer, readIndex } from '@boxkit/layer-applier';
import { below, isPlain } from './fsck-tree.ts';
import { storedBlobs } from './stored-blobs.ts';

/** What is wrong with a blob, which is a problem of its own, and leaves nothing to compare with. */
const blobFaults = ['ERR_BOX_DIGEST_MISMATCH', 'ERR_BOX_SIZE_MISMATCH', 'ERR_BOX_BLOB_MISSING'] as const;

/**
 * What is wrong with the contents of an extracted layer, in words. Its blob is extracted once more, into staging, for the
 * digests of its files: no index keeps them. Undefined when every file has its bytes, or the blob is not there or damaged.
 */
export async function contentProblem(
  directory: string,
  layer: Layer,
  context: Pick<StageContext, 'store' | 'signal'>,
): Promise<string | undefined> {
  await using staging = await context.store.stage('fsck');
  const index = await indexWithDigests(layer, staging.path, context);
  if (index === undefined) return undefined;
  const faults = await changedFiles(`${directory}/tree`, index, context.signal);
  const [first] = faults;
  if (first === undefined) return undefined;
  const more = faults.size === 1 ? '' : `, and ${faults.size - 1} more`;
  return `${Buffer.from(first, 'latin1').toString()} has another content${more}`;
}

async function indexWithDigests(
  layer: Layer,
  directory: string,
  { store, signal }: Pick<StageContext, 'store' | 'signal'>,
): Promise<string | undefined> {
  if (!(await store.blobs.has(layer.descriptor.digest))) return undefined;
  const stream = storedBlobs(store).open(layer.descriptor, { signal });
  const plainly = { ownership: 'single', privileged: false, whiteouts: 'record', contentDigests: true } as const;
  const budgets = createBudgets();
  try {
    return (await extractLayer({ layer, directory, stream, budgets, signal, emit: () => {}, ...plainly })).index;
  } catch (error) {
    if (blobFaults.some((code) => isBoxError(error, code))) return undefined;
    throw error;
  }
}

async function changedFiles(tree: string, index: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const faults = new Set<string>();
  for (const { type, path, digest } of readIndex(index)) {
    if (type === 'opaque' || type === 'whiteout') continue;
    // The last entry of a path counts.
    faults.delete(path);
    if (digest === undefined || !isPlain(tree, path)) continue;
    if (!(await hasDigest(below(tree, path), digest, signal))) faults.add(path);
  }
  return faults;
}

// A fifo in a file's place must not be waited for.
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Whether a file has a content; true for what is no file any more, which is looked at by other means, or closed to this user. */
async function hasDigest(path: Buffer, digest: Digest, signal: AbortSignal): Promise<boolean> {
  const hash = createHash('sha256');
  try {
    await using file = await open(path, flags);
    const stream = file.createReadStream({ highWaterMark: 1 << 20, signal, autoClose: false });
    for await (const chunk of stream) hash.update(chunk as Buffer);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    return true;
  }
  return `sha256:${hash.digest('hex')}` === digest;
}
