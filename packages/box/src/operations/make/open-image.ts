import { join } from 'node:path';
import type { Image, ImageBudgets } from '@boxkit/contracts';
import type { UnpackOptions } from '../../options.ts';
import { imagePath } from '../look/entries.ts';
import { createdBy, historySteps } from '../look/history.ts';
import { disposeWith, openScope, type Machine, type Scope } from '../machine.ts';
import { storeReference } from '../transfer/places.ts';
import type { ImageLayer, LayerFile, OpenedImage } from './opened-image.ts';
import { openBase } from './read-base.ts';

/** Opens an image. Throws what the stages `fetch` and `manifest` throw. */
export async function openImage(text: string, options: UnpackOptions, machine: Machine): Promise<OpenedImage> {
  const scope = openScope(machine, options);
  return disposeWith(scope, async () => {
    const budgets = { ...machine.config.budgets, ...options.budgets };
    const { image } = await openBase(text, options, storeReference('opened'), scope);
    return {
      reference: image.reference.text,
      platform: image.platform,
      manifest: image.manifest,
      config: image.imageConfig,
      layers: image.layers.map((_, position) => layerOf(image, position, { scope, budgets })),
      history: () => historySteps(image),
      append: async (layers, how) => (await import('./append.ts')).append(image, layers, how, machine),
      configure: async (changes, how) => (await import('./configure.ts')).configure(image, changes, how, machine),
      squash: async (how) => (await import('./squash.ts')).squash(image, how, machine),
      flatten: async (how) => (await import('./squash.ts')).flatten(image, how, machine),
      async [Symbol.asyncDispose]() {},
    };
  });
}

interface LayerContext {
  readonly scope: Scope;
  readonly budgets: ImageBudgets;
}

function layerOf(image: Image, position: number, { scope: { context }, budgets }: LayerContext): ImageLayer {
  const layer = image.layers[position];
  if (layer === undefined) throw new RangeError(`no layer ${position}`);
  const { descriptor, diffId, chainId } = layer;
  const { signal } = context;
  const blob = (): AsyncIterable<Uint8Array> => image.blobs.open(descriptor, { signal });
  return {
    position,
    descriptor,
    diffId,
    chainId,
    ...createdBy(image, position),
    blob,
    async *entries() {
      const { createBudgets, ensureIndex, readIndex } = await import('@boxkit/layer-applier');
      const directory = await ensureIndex(layer, image, context, { signal, budgets: createBudgets(budgets) });
      for (const entry of readIndex(join(directory, 'index'))) {
        signal.throwIfAborted();
        if (entry.implied) continue;
        const file = imagePath({ entry, path: entry.path, layer: { position } });
        const told: LayerFile = { ...file, type: entry.type, layer: position };
        yield told;
      }
    },
    async *tar() {
      const { openTar } = await import('@boxkit/layer-applier');
      yield* (await openTar(blob(), { what: descriptor.digest })).chunks;
    },
  };
}
