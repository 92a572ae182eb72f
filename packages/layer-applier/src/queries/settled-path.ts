import { dirname } from 'node:path';
import type { Layer } from '@boxkit/contracts';
import { isMachineRoot } from '@boxkit/linux';
import { parentPath, type BytePath } from '../byte-path.ts';
import { OverlayView } from '../drivers/overlay-view.ts';
import { readStagedLayer } from '../layer-index/read-index.ts';
import type { StagedLayer } from '../staged-layer.ts';
import type { ImageTree, TreeLayer } from './image-tree.ts';

/** What the end of a layer's index holds. */
export function layerSummary({ diffId, index }: TreeLayer): StagedLayer {
  return readStagedLayer({ diffId } as Layer, dirname(index));
}

/**
 * Where a layer's paths are in the image: a directory that the layer only implies and that a lower layer has as a
 * symlink is what the symlink leads to.
 */
export function settledPaths(tree: ImageTree, layer: TreeLayer, summary: StagedLayer): (path: BytePath) => BytePath {
  if (layer.position === 0 || summary.impliedDirectories.length === 0) return (path) => path;
  const below = tree.layers.filter(({ position }) => position < layer.position);
  const trees = below.toSorted((a, b) => b.position - a.position).flatMap((one) => one.trees);
  const view = new OverlayView(trees, isMachineRoot() ? 'trusted' : 'user');
  const moved = new Map<string, BytePath>();
  for (const path of summary.impliedDirectories) {
    const found = view.resolve(path);
    if (typeof found !== 'string' && found.path !== path) moved.set(path, found.path);
  }
  if (moved.size === 0) return (path) => path;
  return (path) => {
    for (let at = parentPath(path); at !== ''; at = parentPath(at)) {
      const to = moved.get(at);
      if (to !== undefined) return (to === '' ? path.slice(at.length + 1) : to + path.slice(at.length)) as BytePath;
    }
    return path;
  };
}
