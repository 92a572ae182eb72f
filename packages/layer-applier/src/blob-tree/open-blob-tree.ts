import { digestParts, type Image, type Layer, type PrepareOptions, type StageContext } from '@boxkit/contracts';
import { createBudgets } from '../extract/budgets.ts';
import { consumeBlob } from '../extract/extract-layer.ts';
import { ExtractFailure, LayerError } from '../extract/layer-error.ts';
import type { EntryList } from './entry-list.ts';
import { layerChanges, type LayerChanges } from './layer-changes.ts';
import { mergeChanges } from './merge-changes.ts';
import { newDirectory, type DirectoryNode } from './nodes.ts';

/**
 * What an image's layers show together, from their blobs alone: each is read through once, verified, and nothing is written.
 * Holds some 150 bytes for each entry, within the budgets. Throws what an extraction throws.
 */
export async function openBlobTree(
  image: Image,
  context: StageContext,
  options: PrepareOptions = {},
): Promise<DirectoryNode> {
  const budgets = createBudgets(options.budgets);
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const distinct = new Map(image.layers.map((layer) => [layer.diffId, layer]));
  const lists = new Map(
    [...distinct.values()].map((layer) => {
      const listing = listLayer(layer, image, { signal, budgets, emit: (event) => context.emit(event) });
      listing.catch((error: unknown) => stop.abort(error));
      return [layer.diffId, listing] as const;
    }),
  );
  const root = newDirectory(true);
  try {
    for (const [position, layer] of image.layers.entries()) {
      const list = await lists.get(layer.diffId);
      const consume = image.layers.findLastIndex(({ diffId }) => diffId === layer.diffId) === position;
      if (list !== undefined) mergeChanges(root, layer, changesOf(list, { layer, position, consume }));
    }
  } finally {
    stop.abort();
    await Promise.allSettled(lists.values());
  }
  return root;
}

type ListOptions = Pick<Parameters<typeof consumeBlob>[0], 'signal' | 'budgets' | 'emit'>;

async function listLayer(layer: Layer, image: Image, { signal, budgets, emit }: ListOptions): Promise<EntryList> {
  const stream = image.blobs.open(layer.descriptor, { signal });
  const outcome = await consumeBlob({ layer, stream, signal, budgets, emit }, (input, stop) => ({
    list: true,
    algorithm: digestParts(layer.diffId).algorithm,
    compressed: layer.descriptor.size,
    input,
    budgets,
    stop,
  }));
  if (outcome.kind !== 'listed') throw new Error('unreachable: a list was asked for');
  return outcome.entries;
}

interface ListedLayer {
  readonly layer: Layer;
  readonly position: number;
  /** The list is not wanted again: the image does not have the layer twice. */
  readonly consume: boolean;
}

function changesOf(list: EntryList, { layer, position, consume }: ListedLayer): LayerChanges {
  const { digest } = layer.descriptor;
  try {
    return layerChanges(list, position, { consume });
  } catch (error) {
    if (!(error instanceof ExtractFailure)) throw error;
    const { code, message, hint } = error;
    throw new LayerError(code, `cannot read layer ${digest}: ${message}`, { layer: digest }, { hint });
  }
}
