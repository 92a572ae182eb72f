import { baseName, joinPath, parentPath, type BytePath } from '../byte-path.ts';
import type { LayerEntry } from '../layer-index/layer-entry.ts';
import { readIndex } from '../layer-index/read-index.ts';
import type { ImageTree, TreeLayer } from './image-tree.ts';

/** An entry of the image: as its layer's tar has it, whatever the disk could hold. */
export interface ImageEntry {
  readonly layer: TreeLayer;
  readonly entry: LayerEntry;
}

/**
 * Every entry that the image shows, layer by layer from the top, in the order of each layer's tar. Reads the layers'
 * indexes in pieces, so that memory does not grow with the image. What a lower symlink took in is listed under the
 * path that its layer has for it. `matches` is asked first, and spares looking.
 */
export function* listEntries(
  tree: ImageTree,
  matches: (path: BytePath) => boolean = () => true,
): Generator<ImageEntry, void, undefined> {
  const isShown = visibility(tree);
  for (const layer of tree.layers.toSorted((a, b) => b.position - a.position)) {
    for (const entry of readIndex(layer.index)) {
      if (entry.type === 'whiteout' || entry.type === 'opaque' || entry.implied) continue;
      if (matches(entry.path) && isShown(layer, entry)) yield { layer, entry };
    }
  }
}

/** The entries whose path, or last component, a shell pattern fits (`*`, `?`; a pattern with a slash is for the whole path). */
export function findEntries(tree: ImageTree, pattern: string): Generator<ImageEntry, void, undefined> {
  const whole = pattern.includes('/');
  const text = Buffer.from(pattern.replace(/^\/+/, '')).toString('latin1');
  const source = text.replaceAll(/[.+^${}()|[\]\\*?]/g, (sign) => ({ '*': '.*', '?': '.' })[sign] ?? `\\${sign}`);
  const expression = new RegExp(`^${source}$`, 's');
  return listEntries(tree, (path) => expression.test(whole ? path : baseName(path)));
}

/** Entries of one directory come one after the other: it is looked up once for all of them. */
function visibility(tree: ImageTree): (layer: TreeLayer, entry: LayerEntry) => boolean {
  let path: BytePath | undefined;
  let parent: ReturnType<ImageTree['view']['resolve']> = 'missing';
  return (layer, entry) => {
    if (parentPath(entry.path) !== path) {
      path = parentPath(entry.path);
      parent = tree.view.resolve(path);
    }
    if (typeof parent === 'string') return false;
    if (entry.path === '') return true;
    const seen = tree.view.look(parent.merged, baseName(entry.path));
    // What the disk could not hold (a device without root) is shown where nothing else is.
    if (seen === undefined) return !entry.made && entry.path === joinPath(parent.path, baseName(entry.path));
    return tree.ownerOf(parent.merged, baseName(entry.path)) === layer;
  };
}
