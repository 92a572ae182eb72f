import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { isBoxError, type StageContext } from '@boxkit/contracts';
import type { StagedLayer } from '../staged-layer.ts';

/** Bytes of a tar below which reading it again takes no longer than keeping its index. */
const worthKeeping = 2 ** 20;

/** Keeps the index of a layer whose tree goes into another directory, so that no question has to read the blob again. */
export async function keepIndex(
  { layer, index, tarBytes }: StagedLayer,
  context: Pick<StageContext, 'store' | 'emit' | 'signal'>,
): Promise<void> {
  const { store, signal } = context;
  if (tarBytes < worthKeeping || (await store.layers.has(layer.diffId))) return;
  const copy = async (directory: string): Promise<void> => copyFileSync(index, join(directory, 'index'));
  try {
    await store.indexes.ensure(layer.diffId, copy, { signal, emit: (event) => context.emit(event) });
  } catch (error) {
    // It can be made again: a store without room for it is no reason to give up the tree.
    if (!isBoxError(error, 'ERR_BOX_STORE_FULL')) throw error;
  }
}
