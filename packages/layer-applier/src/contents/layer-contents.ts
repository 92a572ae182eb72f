import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { digestParts, type Image, type Layer, type StageContext } from '@boxkit/contracts';
import type { BytePath } from '../byte-path.ts';
import { createBudgets, type BudgetLimits } from '../extract/budgets.ts';
import { consumeBlob } from '../extract/extract-layer.ts';
import { digestSize } from './digest-through.ts';

/** Files of one layer: where their entries start in its tar, and what tells their path in it. */
export interface WantedContents {
  readonly layer: Layer;
  /** Ascending, each once. */
  readonly offsets: Float64Array;
  /** The path in the layer of the file of an offset, by its place among the offsets. */
  pathAt(this: void, at: number): BytePath;
}

interface ContentOptions {
  readonly signal: AbortSignal;
  readonly budgets?: Partial<BudgetLimits>;
}

/**
 * The sha256 of the contents of some of a layer's files, one behind the other (32 bytes each), in the order of their offsets. Of a
 * layer that is extracted, the files are read where they lie; of another its blob is read through, verified, and nothing is
 * written. Throws what an extraction throws.
 */
export async function digestContents(
  wanted: WantedContents,
  { blobs }: Pick<Image, 'blobs'>,
  context: Pick<StageContext, 'store' | 'emit'>,
  { signal, budgets }: ContentOptions,
): Promise<Uint8Array> {
  const { layer, offsets } = wanted;
  const { store } = context;
  if (await store.layers.has(layer.diffId)) {
    const found = digestFiles(wanted, store.layers.pathOf(layer.diffId), signal);
    if (found !== undefined) return found;
  }
  const options = {
    layer,
    stream: blobs.open(layer.descriptor, { signal }),
    signal,
    emit: (event: Parameters<typeof context.emit>[0]) => context.emit(event),
    budgets: createBudgets(budgets),
  };
  const outcome = await consumeBlob(options, (input, stop) => ({
    contents: offsets,
    algorithm: digestParts(layer.diffId).algorithm,
    compressed: layer.descriptor.size,
    input,
    budgets: options.budgets,
    stop,
  }));
  if (outcome.kind !== 'digested') throw new Error('unreachable: contents were asked for');
  return outcome.digests;
}

/** Undefined where a file may not be read: without root it can belong to another ID. */
function digestFiles(
  { offsets, pathAt }: WantedContents,
  directory: string,
  signal: AbortSignal,
): Uint8Array | undefined {
  const digests = new Uint8Array(offsets.length * digestSize);
  const piece = Buffer.allocUnsafe(pieceSize);
  const tree = Buffer.from(`${join(directory, 'tree')}/`);
  for (const at of offsets.keys()) {
    signal.throwIfAborted();
    const digest = digestFile(Buffer.concat([tree, Buffer.from(pathAt(at), 'latin1')]), piece);
    if (digest === undefined) return undefined;
    digests.set(digest, at * digestSize);
  }
  return digests;
}

const pieceSize = 2 ** 18;

function digestFile(path: Buffer, piece: Buffer): Uint8Array | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (!fstatSync(fd).isFile()) return undefined;
    const content = createHash('sha256');
    for (let count = readSync(fd, piece); count > 0; count = readSync(fd, piece)) {
      content.update(piece.subarray(0, count));
    }
    return content.digest();
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) return undefined;
    throw error;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
