import { baseName, joinPath, parentPath, pathFromText, type BytePath } from '../byte-path.ts';
import { impliedMode } from '../extract/directory.ts';
import { entryTypes, field, recordFlag } from '../layer-index/index-format.ts';
import { decodeRecord, rawRecords } from '../layer-index/read-index.ts';
import { plainEntry } from '../tar/plain-entry.ts';
import { gone, ImageNodes, noRecord, nodeKind } from './image-nodes.ts';
import type { IndexedName, IndexedPath, SurveyedEntry } from './image-entry.ts';
import type { IndexedLayer } from './indexed-layer.ts';
import { contentOf, type HiddenPaths, type MadeDirectory, type MergeContext } from './merge-context.ts';
import { settlePath, symlinkTarget } from './merge-context.ts';
import { mergeIndex } from './merge-index.ts';
import { RecordReader } from './record-reader.ts';
import { walkImage, type WalkedDirectory } from './walk-image.ts';

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
    const made = new Map<number, MadeDirectory>();
    const elsewhere = new Map<number, BytePath>();
    this.#context = { made, elsewhere, alone, nodes: this.#nodes, layers, merged: [], reader: new RecordReader() };
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
      const described = this.#described(node);
      if (described !== undefined) {
        yield { ...described, node, path: this.pathOf(node), shown: true, met: undefined };
      }
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
    return described === undefined ? undefined : { ...described, node, path, shown: true, met: undefined };
  }

  /** Bytes of a file's content, of a further hardlink as of the first. */
  sizeOf({ node }: Pick<SurveyedEntry, 'node'>): number {
    const entry = this.#described(this.contentOf(node))?.entry;
    return entry?.type === 'file' ? entry.size : 0;
  }

  /** Follows a path (latin1) to a directory, as `find` does; tells why there is none. */
  resolve(path: string): WalkedDirectory | 'missing' | 'blocked' {
    return this.#walk(path);
  }

  /** What is at a path (latin1) whose directories are no symlinks; undefined when there is nothing. */
  look(path: BytePath): IndexedPath | undefined {
    let found: IndexedPath = { path: '' as BytePath, kind: 'directory', node: this.#nodes.root };
    for (const name of path === '' ? [] : path.split('/')) {
      const next = found.kind === 'directory' ? this.at(found, name) : undefined;
      if (next === undefined) return undefined;
      found = next;
    }
    return found;
  }

  /** What a hardlink leads to, which may be a further one; -1 for all else. */
  targetOfLink(node: number): number {
    return this.#nodes.targetOf(node);
  }

  /** What a hardlink leads to in the end; any other node itself. */
  contentOf(node: number): number {
    return contentOf(node, this.#nodes);
  }

  /** The entry that describes a node, as its layer has it, and whether the image shows it. */
  entryOf(node: number): Pick<SurveyedEntry, 'layer' | 'entry' | 'shown'> | undefined {
    const described = this.#described(node);
    return described === undefined ? undefined : { ...described, shown: this.#nodes.goneBy(node) < 0 };
  }

  /** Where a node is, or was, in the image. */
  pathOf(node: number): BytePath {
    const told = this.#context.elsewhere.get(node) ?? this.#context.made.get(node)?.path;
    const described = told === undefined ? this.#described(node) : undefined;
    if (described === undefined) return told ?? ('' as BytePath);
    const { layer, entry } = described;
    return (entry.implied ? this.movedIn(layer).get(entry.path) : undefined) ?? this.settle(layer, entry.path);
  }

  /** Where a path of a layer is in the image. */
  settle(layer: IndexedLayer, path: BytePath): BytePath {
    return settlePath(this.movedIn(layer), path);
  }

  /** Directories that a layer only implies and that are symlinks below it, with what these lead to. */
  movedIn({ position }: IndexedLayer): ReadonlyMap<BytePath, BytePath> {
    return this.#context.merged[position]?.moved ?? new Map<BytePath, BytePath>();
  }

  /** What a layer's marks hide of those below it. */
  hiddenBy({ position }: IndexedLayer): HiddenPaths {
    return this.#context.merged[position]?.hidden ?? { removed: [], emptied: [] };
  }

  /** Where a layer put a directory in the place of something else, or something else in the place of a directory. */
  *clashes(): Generator<{ readonly position: number; readonly path: BytePath }, void, undefined> {
    for (let node = 1; node < this.#nodes.size; node += 1) {
      const position = this.#nodes.goneBy(node);
      const how = this.#nodes.howGone(node);
      if (position < 0 || how === gone.deleted || this.#nodes.layerOf(node) === position) continue;
      if (this.#nodes.isDirectory(node) !== (how === gone.replacedByDirectory)) {
        yield { position, path: this.pathOf(node) };
      }
    }
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
    const how = this.#nodes.howGone(node) === gone.deleted ? 'deleted' : 'replaced';
    const path = this.#context.elsewhere.get(node) ?? settlePath(merged.moved, entry.path);
    const common = { layer, entry, node, path };
    if (isDescribed) {
      return { ...common, shown: goneBy < 0, met: goneBy < 0 ? undefined : { position: goneBy, how } };
    }
    const position = (merged.covered[ordinal] ?? 0) - 1;
    const isAgain = position === layer.position;
    return { ...common, shown: goneBy < 0 && !isAgain, met: { position, how: isAgain ? 'replaced' : 'merged' } };
  }

  /** A copy: a part of a string keeps all of it in memory. */
  #nameOf(node: number): string {
    const path = this.#context.made.get(node)?.path ?? this.#described(node)?.entry.path ?? ('' as BytePath);
    return Buffer.from(baseName(path), 'latin1').toString('latin1');
  }

  #described(node: number): Pick<SurveyedEntry, 'layer' | 'entry'> | undefined {
    const place = this.#nodes.recordOf(node);
    const layer = this.layers[place?.layer ?? this.#nodes.layerOf(node)];
    if (layer === undefined) return undefined;
    if (place !== undefined) return { layer, entry: this.#context.reader.read(layer.index, place.offset) };
    const made = this.#context.made.get(node);
    return made === undefined ? undefined : { layer, entry: { ...impliedEntry, ...made } };
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
const impliedEntry = {
  ...plainEntry,
  type: 'directory',
  mode: impliedMode,
  digest: undefined,
  offset: 0,
  implied: true,
  deferred: false,
  made: true,
} as const;

function withoutSlashes(text: string, encoding: 'utf8' | 'latin1' = 'utf8'): BytePath {
  const parts = text.split('/').filter((part) => part !== '' && part !== '.');
  return encoding === 'utf8' ? pathFromText(parts.join('/')) : (parts.join('/') as BytePath);
}
