import type { Layer } from '@boxkit/contracts';
import type { StagedLayer } from '../staged-layer.ts';
import type { LayerEntry } from './layer-entry.ts';

/** The entries of a layer in the order of its tar, read in pieces of bounded size. Throws ERR_BOX_STORE_CORRUPT. */
export function* readIndex(path: string): Generator<LayerEntry, void, undefined> {
  throw new Error(`not built yet: ${path}`);
}

/** The staged layer that an earlier extraction left in `directory`, from the end of its index alone. Throws ERR_BOX_STORE_CORRUPT. */
export function readStagedLayer(layer: Layer, directory: string): StagedLayer {
  throw new Error(`not built yet: ${directory} ${layer.diffId}`);
}
