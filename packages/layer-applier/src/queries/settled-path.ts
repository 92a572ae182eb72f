import { dirname } from 'node:path';
import type { Layer } from '@boxkit/contracts';
import { isMachineRoot } from '@boxkit/linux';
import { baseName, joinPath, parentPath, type BytePath } from '../byte-path.ts';
import { markedDirectory } from '../drivers/overlay-hides.ts';
import { OverlayView } from '../drivers/overlay-view.ts';
import { readStagedLayer } from '../layer-index/read-index.ts';
import type { StagedLayer } from '../staged-layer.ts';
import { ownTree, type ImageTree, type TreeLayer } from './image-tree.ts';

/** What the end of a layer's index holds. */
export function layerSummary({ diffId, index }: TreeLayer): StagedLayer {
  return readStagedLayer({ diffId } as Layer, dirname(index));
}

/** What the layers below one show together. */
export function lowerView(tree: ImageTree, layer: Pick<TreeLayer, 'position'>): OverlayView {
  const below = tree.layers.filter(({ position }) => position < layer.position);
  const trees = below.toSorted((a, b) => b.position - a.position).flatMap((one) => one.trees);
  return new OverlayView(trees, isMachineRoot() ? 'trusted' : 'user');
}

/** Directories that a layer only implies and that are symlinks below it, with what these lead to. */
export interface MovedDirectories {
  readonly directories: ReadonlyMap<string, BytePath>;
  /** Where a path of the layer is in the image. */
  settle(path: BytePath): BytePath;
}

/**
 * Where a layer's paths are in the image: a directory that the layer only implies and that a lower layer has as a
 * symlink is what the symlink leads to.
 */
export function movedDirectories(tree: ImageTree, layer: TreeLayer): MovedDirectories {
  // The layer itself is in the view: what it puts in the place of a symlink, or of its target, decides too.
  return movedIn(lowerView(tree, { position: layer.position + 1 }), layer);
}

/**
 * The paths that a layer's marks hide of the layers below, as those show them. Resolved before any entry of the layer is
 * there; a mark that meets no directory below hides nothing.
 */
export function hiddenByMarks(tree: ImageTree, layer: TreeLayer): Pick<StagedLayer, 'whiteouts' | 'opaques'> {
  const { whiteouts, opaques, impliedDirectories } = layerSummary(layer);
  if (whiteouts.length + opaques.length === 0) return { whiteouts, opaques };
  const ownPath = ownTree(layer);
  const own = new OverlayView(ownPath === undefined ? [] : [ownPath], isMachineRoot() ? 'trusted' : 'user');
  const marked = { lower: lowerView(tree, layer), own, implied: new Set<string>(impliedDirectories) };
  const places = new Map<BytePath, BytePath | undefined>();
  const placeOf = (path: BytePath): BytePath | undefined => {
    if (!places.has(path)) places.set(path, markedDirectory(marked, path)?.path);
    return places.get(path);
  };
  const defined = (path: BytePath | undefined): path is BytePath => path !== undefined;
  return {
    whiteouts: whiteouts
      .map((path) => {
        const place = placeOf(parentPath(path));
        return place === undefined ? undefined : joinPath(place, baseName(path));
      })
      .filter(defined),
    opaques: opaques.map(placeOf).filter(defined),
  };
}

function movedIn(view: OverlayView, layer: TreeLayer): MovedDirectories {
  const { impliedDirectories } = layerSummary(layer);
  const moved = new Map<string, BytePath>();
  if (layer.position === 0 || impliedDirectories.length === 0) return { directories: moved, settle: (path) => path };
  for (const path of impliedDirectories) {
    const found = view.resolve(path);
    if (typeof found !== 'string' && found.path !== path) moved.set(path, found.path);
  }
  return { directories: moved, settle: (path) => settleWith(moved, path) };
}

/** Where a path is when some directories are elsewhere. */
export function settleWith(moved: ReadonlyMap<string, BytePath>, path: BytePath): BytePath {
  if (moved.size === 0) return path;
  for (let at = parentPath(path); at !== ''; at = parentPath(at)) {
    const to = moved.get(at);
    if (to !== undefined) return (to === '' ? path.slice(at.length + 1) : to + path.slice(at.length)) as BytePath;
  }
  return path;
}
