import type { Layer } from '@boxkit/contracts';
import type { FsckResult } from '@boxkit/store';
import type { FsckOptions } from '../options.ts';
import { contentProblem } from './fsck-content.ts';
import { layerProblem } from './fsck-layer.ts';
import { indexProblem } from './fsck-index.ts';
import { rootfsProblem } from './fsck-rootfs.ts';
import { openScope, type Machine, type Scope } from './machine.ts';

const verifiers = { layers: layerProblem, indexes: indexProblem, rootfs: async (path: string) => rootfsProblem(path) };

/**
 * Verifies the store: blobs by their digests, extracted layers by their indexes and, with `deep`, by their blobs, merged trees
 * by their parts, records by what they name.
 */
export async function fsck({ deep = false, ...options }: FsckOptions, machine: Machine): Promise<FsckResult> {
  await using scope = openScope(machine, options);
  const { store, context } = scope;
  const { signal } = context;
  const layers = deep ? await layersByDirectory(store) : new Map<string, Layer>();
  return machine.store.fsck({
    ...options,
    emit: (event) => machine.emit(event),
    verifyTree: async (kind, path) => {
      const layer = layers.get(path);
      const problem = await verifiers[kind](path, signal);
      return problem ?? (layer === undefined ? undefined : contentProblem(path, layer, context));
    },
  });
}

/** The layers of all images by where the store keeps them. */
async function layersByDirectory({ images, layers }: Scope['store']): Promise<ReadonlyMap<string, Layer>> {
  const all = (await images.list()).flatMap((image) => image.layers);
  return new Map(all.map((layer) => [layers.pathOf(layer.diffId), layer]));
}
