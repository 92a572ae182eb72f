import { join } from 'node:path';
import { isBoxError, type Image, type Layer, type PrepareOptions, type StageContext } from '@boxkit/contracts';
import { createBudgets, type LayerBudgets } from '../extract/budgets.ts';
import { indexLayer } from './index-layer.ts';
import { IndexedImage } from './indexed-image.ts';

/**
 * Opens an image for questions that its layers' indexes answer. An extracted layer has one; of the others it is written now, from
 * their blobs, once, and kept in the store. Throws what an extraction throws for a bad layer.
 */
export async function openIndexedImage(
  image: Image,
  context: StageContext,
  options: PrepareOptions = {},
): Promise<IndexedImage> {
  try {
    return await open(image, context, options);
  } catch (error) {
    if (!isBoxError(error, 'ERR_BOX_STORE_CORRUPT') || !(await forgetIndexes(image, context))) throw error;
    return open(image, context, options);
  }
}

async function open(image: Image, context: StageContext, options: PrepareOptions): Promise<IndexedImage> {
  const budgets = createBudgets(options.budgets);
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const distinct = new Map(image.layers.map((layer) => [layer.diffId, layer]));
  const indexing = new Map(
    [...distinct].map(([diffId, layer]) => {
      const directory = ensureIndex(layer, image, context, { signal, budgets });
      directory.catch((error: unknown) => stop.abort(error));
      return [diffId, directory] as const;
    }),
  );
  try {
    const directories = await Promise.all(
      image.layers.map(async ({ diffId }) => (await indexing.get(diffId)) ?? context.store.indexes.pathOf(diffId)),
    );
    return new IndexedImage(
      image.layers.map((layer, position) => {
        const directory = directories[position] ?? '';
        return { layer, diffId: layer.diffId, position, directory, index: join(directory, 'index') };
      }),
    );
  } finally {
    stop.abort();
    await Promise.allSettled(indexing.values());
  }
}

interface EnsureOptions {
  readonly signal: AbortSignal;
  readonly budgets: LayerBudgets;
}

/** The directory that a layer's index is in, made when no extraction or earlier question has. */
export async function ensureIndex(
  layer: Layer,
  { blobs }: Pick<Image, 'blobs'>,
  context: Pick<StageContext, 'store' | 'emit'>,
  { signal, budgets }: EnsureOptions,
): Promise<string> {
  const { store } = context;
  const emit: StageContext['emit'] = (event) => context.emit(event);
  if (await store.layers.has(layer.diffId)) return store.layers.pathOf(layer.diffId);
  return store.indexes.ensure(
    layer.diffId,
    async (directory) => {
      const stream = blobs.open(layer.descriptor, { signal });
      await indexLayer({ layer, stream, directory, budgets, signal, emit });
    },
    { signal, emit },
  );
}

/** A damaged index is no loss: it is made again. False when none of the image's is of that kind. */
async function forgetIndexes({ layers }: Image, { store }: StageContext): Promise<boolean> {
  let forgotten = false;
  for (const { diffId } of layers) {
    if ((await store.layers.has(diffId)) || !(await store.indexes.has(diffId))) continue;
    await store.indexes.delete(diffId);
    forgotten = true;
  }
  return forgotten;
}
