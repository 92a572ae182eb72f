import type { Image } from '@boxkit/contracts';
import type { IndexedImage } from '@boxkit/layer-applier';
import { createdBy } from './history.ts';
import type { LayerReport } from './image-look.ts';

interface Tally {
  entries: number;
  bytes: number;
  changes: number;
  merges: number;
  deletes: number;
  wasted: number;
}

/** What each layer adds, changes and deletes, from the layers' indexes alone. */
export function layerReports(image: Image, indexed: IndexedImage): readonly LayerReport[] {
  const tallies = image.layers.map((): Tally => ({
    entries: 0,
    bytes: 0,
    changes: 0,
    merges: 0,
    deletes: 0,
    wasted: 0,
  }));
  for (const { layer, entry, shown, met } of indexed.survey()) {
    const own = tallies[layer.position];
    if (own === undefined || entry.implied) continue;
    own.entries += 1;
    own.bytes += entry.size;
    if (!shown) own.wasted += entry.size;
    const other = met === undefined ? undefined : tallies[met.position];
    if (other === undefined) continue;
    if (met?.how === 'replaced') other.changes += 1;
    else if (met?.how === 'merged') other.merges += 1;
    else other.deletes += 1;
  }
  return image.layers.map(({ descriptor, diffId }, position) => {
    const { entries, bytes, changes, merges, deletes, wasted } = tallies[position] as Tally;
    // What an implied directory replaces is no entry of its layer.
    const adds = Math.max(0, entries - changes - merges);
    const counts = { entries, bytes, adds, changes, merges, deletes, wasted };
    return { position, diffId, descriptor, ...createdBy(image, position), ...counts };
  });
}
