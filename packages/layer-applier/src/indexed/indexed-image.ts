import { baseName, joinPath, parentPath, pathFromText, type BytePath } from '../byte-path.ts';
import { entryTypes, field, recordFlag } from '../layer-index/index-format.ts';
import type { LayerEntry } from '../layer-index/layer-entry.ts';
import { decodeRecord, rawRecords } from '../layer-index/read-index.ts';
import { gone, ImageNodes, noRecord, nodeKind } from './image-nodes.ts';
import type { IndexedLayer } from './indexed-layer.ts';
import { type MergeContext, mergeIndex, settlePath, symlinkTarget } from './merge-index.ts';
import { RecordReader } from './record-reader.ts';
import { walkImage, type WalkedDirectory } from './walk-image.ts';

/** One entry of one layer, and what the layers above it make of it. */
export interface SurveyedEntry<Layer = IndexedLayer> {
  readonly layer: Layer;
  readonly entry: LayerEntry;
  /** Where it is in the image. */
  readonly path: BytePath;
  /** Whether the image shows it. A directory is shown however many layers have it; `met` tells of the others. */
  readonly shown: boolean;
  /** What the nearest layer above that has to do with the path does: replaces it, deletes it, or, of a directory, has it too. */
  readonly met: { readonly position: number; readonly how: 'replaced' | 'deleted' | 'merged' } | undefined;
}

/** Something of an image, by its path without symlinks. */
export interface IndexedPath {
  readonly path: BytePath;
  readonly kind: 'directory' | 'symlink' | 'other';
  readonly node: number;
}

/** One name of a directory of the image. */
export interface IndexedName extends IndexedPath {
  /** As bytes (latin1). */
  readonly name: string;
  readonly entry: LayerEntry;
  readonly layer: IndexedLayer;
}

const mostSymlinks = 40;

/**
 * An image as its layers' indexes tell it: no tree is looked at, and none need be there. Some 60 bytes are held for each
 * entry of each layer, however long its path is. Throws ERR_BOX_LAYER_INVALID for a hardlink to nowhere,
 * ERR_BOX_STORE_CORRUPT for a damaged index.
 */
export class IndexedImage {
  /** Lowest first; a layer that the image has twice stands twice. */
  readonly layers: readonly IndexedLayer[];
  readonly #nodes = new ImageNodes();
  readonly #context: MergeContext;

  /** `alone`: a hardlink to what only a lower layer can have is one to nowhere, and no error. */
  constructor(layers: readonly IndexedLayer[], { alone = false }: { readonly alone?: boolean } = {}) {
    this.layers = layers;
    const places = { links: new Map<number, number>(), made: new Map<number, BytePath>() };
    this.#context = { ...places, alone, nodes: this.#nodes, layers, merged: [], reader: new RecordReader() };
    for (const position of layers.keys()) mergeIndex(position, this.#context);
    this.#nodes.finish();
  }

  /**
   * Every entry of every layer, from the topmost layer down, in the order of each layer's tar; then the directories that no
   * layer has an entry for.
   */
  *survey(): Generator<SurveyedEntry, void, undefined> {
    for (const layer of this.layers.toReversed()) {
      let ordinal = 0;
      for (const record of rawRecords(layer.index)) {
        const flags = record[field.flags] ?? 0;
        if ((flags & recordFlag.implied) !== 0) break;
        const surveyed = this.#surveyed(record, ordinal, layer);
        ordinal += 1;
        if (surveyed !== undefined) yield surveyed;
      }
    }
    for (let node = 1; node < this.#nodes.size; node += 1) {
      if (this.#nodes.kindOf(node) !== nodeKind.implied || this.#nodes.goneBy(node) >= 0) continue;
      const implied = this.#implied(node);
      if (implied !== undefined) yield { ...implied, shown: true, met: undefined };
    }
  }

  /** The entries that the image shows, implied directories last; of a directory that several layers have, the topmost's. */
  *shown(): Generator<SurveyedEntry, void, undefined> {
    for (const entry of this.survey()) if (entry.shown && entry.met === undefined) yield entry;
  }

  /**
   * Finds a path as a process inside the root would: symlinks on the way are followed inside the root, and at its end
   * too unless `follow` is false. Undefined when there is nothing.
   */
  find(text: string, { follow = true } = {}): IndexedPath | undefined {
    let path = withoutSlashes(text);
    for (let hops = 0; hops <= mostSymlinks; hops += 1) {
      const name = baseName(path);
      const parent = this.#walk(name === '..' ? path : parentPath(path));
      if (typeof parent === 'string') return undefined;
      if (name === '' || name === '..') return { path: parent.path, kind: 'directory', node: parent.node };
      const node = this.#nodes.find(this.#nodes.numberOf(parent.node), name);
      if (node < 0) return undefined;
      const found = { path: joinPath(parent.path, name), kind: this.#kindOf(node), node };
      if (found.kind !== 'symlink' || !follow) return found;
      const target = symlinkTarget(node, this.#context);
      path = withoutSlashes(target.startsWith('/') ? target : `${parent.path}/${target}`, 'latin1');
    }
    return undefined;
  }

  /** What is in a directory, in the order of the names' bytes. Holds the names, and reads each entry when it is its turn. */
  *list({
    node: directory,
    path: parent,
  }: Pick<IndexedPath, 'node' | 'path'>): Generator<IndexedName, void, undefined> {
    const nodes = [...this.#nodes.children(directory)];
    // In the order of the indexes, so that one read serves many.
    nodes.sort((a, b) => this.#nodes.layerOf(a) - this.#nodes.layerOf(b) || a - b);
    const named = nodes.map((node) => ({ node, name: this.#nameOf(node) }));
    named.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const { node, name } of named) {
      const described = this.#described(node);
      if (described !== undefined) {
        yield { ...described, name, node, path: joinPath(parent, name), kind: this.#kindOf(node) };
      }
    }
  }

  /** What is at one name of a directory, no symlink followed. */
  at({ node: directory, path: parent }: Pick<IndexedPath, 'node' | 'path'>, name: string): IndexedPath | undefined {
    const node = this.#nodes.find(this.#nodes.numberOf(directory), name);
    return node < 0 ? undefined : { path: joinPath(parent, name), kind: this.#kindOf(node), node };
  }

  /** The entry of a path that was found, and its layer; undefined for a root that no layer has an entry for. */
  describe({ node, path }: IndexedPath): SurveyedEntry | undefined {
    const described = this.#described(node);
    return described === undefined ? undefined : { ...described, path, shown: true, met: undefined };
  }

  /** Bytes of a file's content, of a further hardlink as of the first. */
  sizeOf(layer: IndexedLayer, entry: LayerEntry): number {
    let at = entry;
    for (let links = 0; at.type === 'hardlink' && links <= mostSymlinks; links += 1) {
      const target = settlePath(this.#context.merged[layer.position]?.moved ?? new Map(), at.link);
      const parent = this.#walk(parentPath(target));
      const node =
        typeof parent === 'string' ? -1 : this.#nodes.find(this.#nodes.numberOf(parent.node), baseName(target));
      const next = node < 0 ? undefined : this.#described(node);
      if (next === undefined || next.entry === at) return 0;
      at = next.entry;
    }
    return at.type === 'file' ? at.size : 0;
  }

  /** Where a symlink leads, as it stands (latin1). */
  targetOf({ node }: Pick<IndexedPath, 'node'>): string {
    return symlinkTarget(node, this.#context);
  }

  #surveyed(record: Buffer, ordinal: number, layer: IndexedLayer): SurveyedEntry | undefined {
    const type = entryTypes[record[field.type] ?? 0];
    const merged = this.#context.merged[layer.position];
    const node = merged?.nodes[ordinal] ?? noRecord;
    if (merged === undefined || node === noRecord || type === 'whiteout' || type === 'opaque') return undefined;
    const entry = decodeRecord(record, layer.index);
    const isDescribed = this.#nodes.layerOf(node) === layer.position && this.#nodes.ordinalOf(node) === ordinal;
    const goneBy = this.#nodes.goneBy(node);
    const how = this.#nodes.howGone(node) === gone.replaced ? 'replaced' : 'deleted';
    const common = { layer, entry, path: settlePath(merged.moved, entry.path) };
    if (isDescribed) {
      return { ...common, shown: goneBy < 0, met: goneBy < 0 ? undefined : { position: goneBy, how } };
    }
    const position = (merged.covered[ordinal] ?? 0) - 1;
    const isAgain = position === layer.position;
    return { ...common, shown: goneBy < 0 && !isAgain, met: { position, how: isAgain ? 'replaced' : 'merged' } };
  }

  #implied(node: number): Pick<SurveyedEntry, 'layer' | 'entry' | 'path'> | undefined {
    const described = this.#described(node);
    if (described === undefined) return undefined;
    const moved = this.#context.merged[described.layer.position]?.moved ?? new Map<BytePath, BytePath>();
    const { path } = described.entry;
    return { ...described, path: this.#context.made.get(node) ?? moved.get(path) ?? settlePath(moved, path) };
  }

  /** A copy: a part of a string keeps all of it in memory. */
  #nameOf(node: number): string {
    const path = this.#context.made.get(node) ?? this.#described(node)?.entry.path ?? ('' as BytePath);
    return Buffer.from(baseName(path), 'latin1').toString('latin1');
  }

  #described(node: number): Pick<SurveyedEntry, 'layer' | 'entry'> | undefined {
    const place = this.#nodes.recordOf(node);
    const layer = this.layers[place?.layer ?? this.#nodes.layerOf(node)];
    if (layer === undefined) return undefined;
    if (place !== undefined) return { layer, entry: this.#context.reader.read(layer.index, place.offset) };
    const path = this.#context.made.get(node);
    return path === undefined ? undefined : { layer, entry: impliedEntry(path) };
  }

  #kindOf(node: number): IndexedPath['kind'] {
    if (this.#nodes.isDirectory(node)) return 'directory';
    return this.#nodes.kindOf(node) === nodeKind.symlink ? 'symlink' : 'other';
  }

  #walk(path: string): WalkedDirectory | 'missing' | 'blocked' {
    return walkImage(path, { nodes: this.#nodes, targetOf: (node) => symlinkTarget(node, this.#context) });
  }
}

/** Of a directory that only a symlink to nowhere made. */
function impliedEntry(path: BytePath): LayerEntry {
  return {
    type: 'directory',
    path,
    mode: 0o755,
    uid: 0,
    gid: 0,
    size: 0,
    mtime: { seconds: 0, nanoseconds: 0 },
    link: '' as BytePath,
    major: 0,
    minor: 0,
    xattrs: undefined,
    digest: undefined,
    offset: 0,
    implied: true,
    deferred: false,
    made: true,
  };
}

function withoutSlashes(text: string, encoding: 'utf8' | 'latin1' = 'utf8'): BytePath {
  const parts = text.split('/').filter((part) => part !== '' && part !== '.');
  return encoding === 'utf8' ? pathFromText(parts.join('/')) : (parts.join('/') as BytePath);
}
