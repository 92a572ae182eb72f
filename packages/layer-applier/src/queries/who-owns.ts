import type { DiffId } from '@boxkit/contracts';
import { pathText } from '../byte-path.ts';
import { isWhiteout } from '../drivers/overlay-view.ts';
import { findInImage } from './find-in-image.ts';
import { isPatched, statOf, type ImageTree, type TreeLayer } from './image-tree.ts';

/** Where a path of an image comes from. */
export interface Ownership {
  /** Without symlinks on the way, from the root: `/usr/lib/os-release`. */
  readonly path: string;
  /** The layer whose entry is seen. */
  readonly owner: LayerPlace;
  /** Lower layers that have an entry of the same path, the nearest first; for a directory they are merged with it. */
  readonly overrides: readonly LayerPlace[];
}

export interface LayerPlace {
  readonly diffId: DiffId;
  /** From 0 for the lowest. */
  readonly position: number;
  /** What the layer does with the path. */
  readonly as: 'entry' | 'whiteout';
}

/** Which layer a path comes from, its last component not followed, and which ones it overrides; undefined when no layer shows it. */
export function whoOwns(tree: ImageTree, path: string): Ownership | undefined {
  const found = findInImage(tree, path, { follow: false });
  if (found === undefined) return undefined;
  const places = tree.layers
    .toSorted((a, b) => b.position - a.position)
    .flatMap((layer) => {
      const as = whatLayerHas(layer, found.path);
      return as === undefined ? [] : [{ diffId: layer.diffId, position: layer.position, as }];
    });
  const at = places.findIndex(({ as }) => as === 'entry');
  const owner = places[at];
  return owner === undefined ? undefined : { path: `/${pathText(found.path)}`, owner, overrides: places.slice(at + 1) };
}

function whatLayerHas({ trees }: TreeLayer, path: string): LayerPlace['as'] | undefined {
  for (const tree of trees) {
    const place = `${tree}/${path}`;
    const stat = statOf(place);
    if (stat === undefined || (isPatched(place) && stat.isDirectory())) continue;
    return isWhiteout(stat) ? 'whiteout' : 'entry';
  }
  return undefined;
}
