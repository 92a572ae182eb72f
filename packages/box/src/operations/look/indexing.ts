import type { Descriptor, Image, StageContext } from '@boxkit/contracts';
import type { Machine } from '../machine.ts';
import { storedBlobs } from '../stored-blobs.ts';

/** Writes the index of a layer whose blob has come into the store, while others are on their way. */
export async function indexing(
  image: Image,
  context: StageContext,
  { config }: Pick<Machine, 'config'>,
): Promise<(descriptor: Descriptor) => Promise<void>> {
  const { createBudgets, ensureIndex } = await import('@boxkit/layer-applier');
  const budgets = createBudgets(config.budgets);
  const blobs = storedBlobs(context.store);
  const { signal } = context;
  return async ({ digest }) => {
    const layer = image.layers.find(({ descriptor }) => descriptor.digest === digest);
    if (layer !== undefined) await ensureIndex(layer, { blobs }, context, { signal, budgets });
  };
}
