import { parentPath, type BytePath } from '../byte-path.ts';
import type { LayerEntry } from '../layer-index/layer-entry.ts';
import type { ImageNodes } from './image-nodes.ts';
import type { IndexedLayer } from './indexed-layer.ts';
import type { RecordReader } from './record-reader.ts';
import type { WalkedDirectory } from './walk-image.ts';

/** What became of a layer's records. */
export interface MergedLayer {
  /** The nodes that the records describe, by ordinal. */
  readonly nodes: Uint32Array;
  /** Positions plus one of the layers that have the same directory too, or this layer's own for a path that comes again. */
  readonly covered: Uint16Array;
  /** Directories that the layer only implies and that are symlinks below it, with what these lead to. */
  readonly moved: ReadonlyMap<BytePath, BytePath>;
  /** What its marks hid of the layers below, where that was. */
  readonly hidden: HiddenPaths;
}

/** Paths of the image as it was before a layer. */
export interface HiddenPaths {
  readonly removed: readonly BytePath[];
  /** Directories that were emptied. */
  readonly emptied: readonly BytePath[];
}

/** A directory that no layer's index has: what a symlink to nowhere leads to. */
export interface MadeDirectory {
  readonly path: BytePath;
  /** Of the directory that is a symlink below, and that is made where this leads. */
  mtime: LayerEntry['mtime'];
}

export interface MergeContext {
  readonly nodes: ImageNodes;
  readonly layers: readonly IndexedLayer[];
  /** Of the layers that are merged already. */
  readonly merged: MergedLayer[];
  readonly reader: RecordReader;
  /** Hardlinks to what no layer has are no error. */
  readonly alone: boolean;
  readonly made: Map<number, MadeDirectory>;
  /** Where hardlinks to lower layers' files are, when the symlinks on the way lead elsewhere now than for the rest of the layer. */
  readonly elsewhere: Map<number, BytePath>;
}

/** Where a directory of a layer is in the image, or that a lower symlink must be settled to know it. */
export type Parent = WalkedDirectory | { readonly redirect: BytePath };

/** Where a path of a layer is in the image. */
export function settlePath(moved: MergedLayer['moved'], path: BytePath): BytePath {
  if (moved.size === 0) return path;
  for (let at = parentPath(path); at !== ''; at = parentPath(at)) {
    const to = moved.get(at);
    if (to !== undefined) return (to === '' ? path.slice(at.length + 1) : to + path.slice(at.length)) as BytePath;
  }
  return path;
}

/** Where the symlink of a node leads, as it stands. */
export function symlinkTarget(
  node: number,
  { nodes, layers, reader }: Pick<MergeContext, 'nodes' | 'layers' | 'reader'>,
): string {
  const place = nodes.recordOf(contentOf(node, nodes));
  const layer = place === undefined ? undefined : layers[place.layer];
  if (place === undefined || layer === undefined) throw new Error('unreachable: a symlink has a record');
  return reader.read(layer.index, place.offset).link;
}

/** The node that a hardlink is another name of, however many lie between; any other node itself. */
export function contentOf(node: number, nodes: ImageNodes): number {
  let at = node;
  for (let next = nodes.targetOf(at); next >= 0; next = nodes.targetOf(at)) at = next;
  return at;
}
