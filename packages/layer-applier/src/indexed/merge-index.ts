import { baseName, joinPath, parentPath, type BytePath } from '../byte-path.ts';
import { entryTypes, field, indexMagic, recordFlag } from '../layer-index/index-format.ts';
import type { LayerEntry } from '../layer-index/layer-entry.ts';
import { decodeRecord, rawRecords, readStagedLayer, recordPath } from '../layer-index/read-index.ts';
import { missingTarget } from '../merge/link-deferred.ts';
import type { DeferredHardlink } from '../staged-layer.ts';
import { gone, noRecord, nodeKind, type ImageNodes, type RecordPlace } from './image-nodes.ts';
import type { IndexedLayer } from './indexed-layer.ts';
import { hiddenNodes } from './layer-marks.ts';
import { PlaceList } from './place-list.ts';
import type { RecordReader } from './record-reader.ts';
import { walkImage, type WalkedDirectory } from './walk-image.ts';

/** What became of a layer's records. */
export interface MergedLayer {
  /** The nodes that the records describe, by ordinal. */
  readonly nodes: Uint32Array;
  /** Positions plus one of the layers that have the same directory too, or this layer's own for a path that comes again. */
  readonly covered: Uint16Array;
  /** Directories that the layer only implies and that are symlinks below it, with what these lead to. */
  readonly moved: ReadonlyMap<BytePath, BytePath>;
}

export interface MergeContext {
  readonly nodes: ImageNodes;
  readonly layers: readonly IndexedLayer[];
  /** Of the layers that are merged already. */
  readonly merged: MergedLayer[];
  readonly reader: RecordReader;
  /** Hardlinks to what no layer has are no error. */
  readonly alone: boolean;
  /** Names of symlinks that are hardlinks, to the nodes of their targets. */
  readonly links: Map<number, number>;
  /** Where directories are that no layer's index has: what a symlink to nowhere leads to. */
  readonly made: Map<number, BytePath>;
}

/** Puts one layer upon those below, from their indexes alone, by the rules of mergeLayer. Throws ERR_BOX_LAYER_INVALID for a hardlink to nowhere. */
export function mergeIndex(position: number, context: MergeContext): void {
  const layer = context.layers[position];
  if (layer !== undefined) new IndexMerge(layer, position, context).run();
}

/** Entries below a directory that the layer only implies, where a lower layer has a symlink: settled when all else is in place. */
interface Redirect {
  /** The symlink's path in the image. */
  readonly path: BytePath;
  /** The number of the directory that the symlink is in. */
  readonly holder: number;
  readonly records: PlaceList;
}

type Parent = WalkedDirectory | { readonly redirect: BytePath };

class IndexMerge {
  readonly #layer: IndexedLayer;
  readonly #position: number;
  readonly #context: MergeContext;
  readonly #nodes: ImageNodes;
  readonly #implied: ReadonlySet<BytePath>;
  readonly #deferred: readonly DeferredHardlink[];
  readonly #marks: { readonly whiteouts: readonly BytePath[]; readonly opaques: readonly BytePath[] };
  readonly #byOrdinal: Uint32Array;
  readonly #covered: Uint16Array;
  readonly #moved = new Map<BytePath, BytePath>();
  /** Where directories of the layer have been found to lead. */
  readonly #settled = new Map<BytePath, WalkedDirectory>();
  readonly #redirects = new Map<BytePath, Redirect>();
  /** Numbers of directories of this layer to those of the lower ones that they hide. */
  readonly #shadows = new Map<number, number>();
  /** Hardlinks whose targets are below redirects. */
  readonly #unsettled: { readonly node: number; readonly link: BytePath }[] = [];
  readonly #late: { readonly place: RecordPlace; readonly path: BytePath }[] = [];
  #lastPath: BytePath | undefined;
  #last: Parent | undefined;

  constructor(layer: IndexedLayer, position: number, context: MergeContext) {
    const summary = readStagedLayer(layer.layer, layer.directory);
    this.#layer = layer;
    this.#position = position;
    this.#context = context;
    this.#nodes = context.nodes;
    this.#implied = new Set(summary.impliedDirectories);
    this.#deferred = summary.deferredHardlinks;
    this.#marks = summary;
    this.#byOrdinal = new Uint32Array(summary.entries).fill(noRecord);
    this.#covered = new Uint16Array(summary.entries);
  }

  run(): void {
    const held = this.#deferred.map(({ target }) => this.#leafAt(target));
    this.#hide();
    this.#context.merged.push({ nodes: this.#byOrdinal, covered: this.#covered, moved: this.#moved });
    const impliedFrom = this.#putAll();
    this.#settleRedirects();
    this.#linkLate(held);
    if (impliedFrom !== undefined) this.#describeImplied(impliedFrom);
  }

  #hide(): void {
    const { index } = this.#layer;
    const { emptied, removed } = hiddenNodes({ ...this.#marks, index }, this.#nodes, (path) => this.#walk(path));
    for (const node of emptied) {
      const old = this.#nodes.empty(node, this.#position);
      this.#shadows.set(this.#nodes.numberOf(node), old);
    }
    for (const node of removed) this.#nodes.remove(node, this.#position, gone.deleted);
  }

  /** Gives where the records of implied directories start: they are the last. */
  #putAll(): RecordPlace | undefined {
    const { index } = this.#layer;
    let offset = indexMagic.length;
    let ordinal = 0;
    for (const record of rawRecords(index)) {
      const place = { layer: this.#position, ordinal, offset };
      const flags = record[field.flags] ?? 0;
      if ((flags & recordFlag.implied) !== 0) return place;
      const type = entryTypes[record[field.type] ?? 0];
      if ((flags & recordFlag.deferred) !== 0) this.#late.push({ place, path: recordPath(record) });
      else if (type === 'hardlink') this.#putHardlink(decodeRecord(record, index), place);
      else if (type !== 'whiteout' && type !== 'opaque') this.#put(recordPath(record), kindOf(type), place);
      offset += record.length;
      ordinal += 1;
    }
    return undefined;
  }

  #put(path: BytePath, kind: PutKind, place: RecordPlace): void {
    if (path === '') {
      this.#describeDirectory(this.#nodes.root, place);
      return;
    }
    const parent = this.#parent(parentPath(path));
    if ('redirect' in parent) this.#redirects.get(parent.redirect)?.records.add(place);
    else if (kind === nodeKind.directory) this.#putDirectory(parent, baseName(path), place);
    else this.#putLeaf(parent, baseName(path), kind, place);
  }

  #putHardlink({ path, link }: Pick<LayerEntry, 'path' | 'link'>, place: RecordPlace): void {
    this.#put(path, nodeKind.leaf, place);
    const node = this.#byOrdinal[place.ordinal] ?? noRecord;
    const parent = this.#parent(parentPath(link));
    if (node === noRecord) return;
    if ('redirect' in parent) this.#unsettled.push({ node, link });
    else this.#shareTarget(node, parent, link);
  }

  /** A hardlink to a symlink is a symlink too. */
  #shareTarget(node: number, parent: WalkedDirectory, link: BytePath): void {
    const target = this.#nodes.find(this.#nodes.numberOf(parent.node), baseName(link));
    const place = this.#nodes.recordOf(node);
    if (target < 0 || place === undefined || this.#nodes.kindOf(target) !== nodeKind.symlink) return;
    this.#nodes.describe(node, place, nodeKind.symlink);
    this.#context.links.set(node, target);
  }

  #putDirectory(parent: WalkedDirectory, name: string, place: RecordPlace): void {
    const number = this.#nodes.numberOf(parent.node);
    const node = this.#nodes.find(number, name);
    const directory = this.#nodes.isDirectory(node) ? node : this.#replace(number, name, nodeKind.directory);
    this.#describeDirectory(directory, place);
  }

  #describeDirectory(directory: number, place: RecordPlace): void {
    const before = this.#nodes.recordOf(directory);
    if (before !== undefined && this.#nodes.kindOf(directory) === nodeKind.directory) {
      const covered = this.#context.merged[before.layer]?.covered;
      if (covered !== undefined) covered[before.ordinal] = this.#position + 1;
    }
    this.#describe(directory, place, nodeKind.directory);
  }

  #putLeaf(parent: WalkedDirectory, name: string, kind: PutKind, place: RecordPlace): void {
    const number = this.#nodes.numberOf(parent.node);
    const old = this.#nodes.find(number, name);
    if (this.#nodes.isDirectory(old)) this.#forget();
    this.#describe(this.#replace(number, name, kind), place, kind);
  }

  #describe(node: number, place: RecordPlace, kind: PutKind): void {
    this.#nodes.describe(node, place, kind);
    this.#byOrdinal[place.ordinal] = node;
  }

  /** A new node at a name; what lower layers had there counts as replaced, though this layer's marks hid it before. */
  #replace(number: number, name: string, kind: PutKind | typeof nodeKind.implied): number {
    const position = this.#position;
    const shadow = this.#shadows.get(number);
    const here = this.#nodes.last(number, name);
    const old = here >= 0 || shadow === undefined ? here : this.#nodes.last(shadow, name);
    const by = old < 0 ? -1 : this.#nodes.goneBy(old);
    const isHidden = old >= 0 && (by < 0 || by === position);
    if (old >= 0 && (by < 0 ? here >= 0 || kind !== nodeKind.implied : by === position && kind !== nodeKind.implied)) {
      this.#nodes.remove(old, position, gone.replaced);
    }
    const node = this.#nodes.add(number, name, kind, position);
    if (isHidden && kind >= nodeKind.directory && this.#nodes.isDirectory(old)) {
      this.#shadows.set(this.#nodes.numberOf(node), this.#nodes.numberOf(old));
    }
    return node;
  }

  /** The directory of the image for one of the layer. Entries of one directory come together: it is looked up once. */
  #parent(path: BytePath): Parent {
    if (path === this.#lastPath && this.#last !== undefined) return this.#last;
    this.#last = this.#descend(path);
    this.#lastPath = path;
    return this.#last;
  }

  #forget(): void {
    this.#lastPath = undefined;
  }

  #descend(path: BytePath): Parent {
    let current: WalkedDirectory = { node: this.#nodes.root, path: '' as BytePath };
    let done = '' as BytePath;
    for (const name of path === '' ? [] : path.split('/')) {
      done = joinPath(done, name);
      const settled = this.#settled.get(done);
      if (settled !== undefined) {
        current = settled;
        continue;
      }
      const number = this.#nodes.numberOf(current.node);
      const node = this.#nodes.find(number, name);
      const at = joinPath(current.path, name);
      if (this.#nodes.isDirectory(node)) {
        current = { node, path: at };
      } else if (node >= 0 && this.#nodes.kindOf(node) === nodeKind.symlink && this.#implied.has(done)) {
        if (!this.#redirects.has(done)) {
          this.#redirects.set(done, { path: at, holder: number, records: new PlaceList() });
        }
        return { redirect: done };
      } else {
        current = { node: this.#replace(number, name, nodeKind.implied), path: at };
      }
    }
    return current;
  }

  #settleRedirects(): void {
    while (this.#redirects.size > 0) {
      const [path] = [...this.#redirects.keys()].toSorted();
      const redirect = path === undefined ? undefined : this.#redirects.get(path);
      if (path === undefined || redirect === undefined) return;
      this.#redirects.delete(path);
      this.#settled.set(path, this.#ledTo(redirect));
      this.#settleName(path);
      this.#forget();
      for (const { ordinal, offset } of redirect.records) {
        const place = { layer: this.#position, ordinal, offset };
        const entry = this.#context.reader.read(this.#layer.index, offset);
        if (entry.type === 'hardlink') this.#putHardlink(entry, place);
        else this.#put(entry.path, kindOf(entry.type), place);
      }
    }
    for (const { node, link } of this.#unsettled) {
      const parent = this.#parent(parentPath(link));
      if (!('redirect' in parent)) this.#shareTarget(node, parent, link);
    }
  }

  #settleName(path: BytePath): void {
    const to = this.#settled.get(path)?.path;
    if (to !== undefined && to !== path) this.#moved.set(path, to);
  }

  /** What a symlink leads to; the directory takes its place where that cannot be one. */
  #ledTo({ path, holder }: Redirect): WalkedDirectory {
    const led = this.#walk(path, true);
    if (typeof led !== 'string') return led;
    const there = this.#nodes.find(holder, baseName(path));
    if (this.#nodes.isDirectory(there)) return { node: there, path };
    return { node: this.#replace(holder, baseName(path), nodeKind.implied), path };
  }

  #linkLate(held: readonly number[]): void {
    const links = new Map(this.#deferred.map(({ path, target }, at) => [path, { target, node: held[at] ?? -1 }]));
    for (const { place, path } of this.#late) {
      const { target, node: before } = links.get(path) ?? { target: '' as BytePath, node: -1 };
      const node = before < 0 ? this.#leafAt(target) : before;
      const parent = this.#walk(parentPath(path), true);
      if (typeof parent === 'string' || (node < 0 && !this.#context.alone)) {
        throw missingTarget(this.#layer.layer, path, target);
      }
      const isSymlink = node >= 0 && this.#nodes.kindOf(node) === nodeKind.symlink;
      this.#putLeaf(parent, baseName(path), isSymlink ? nodeKind.symlink : nodeKind.leaf, place);
      if (isSymlink) this.#context.links.set(this.#byOrdinal[place.ordinal] ?? noRecord, node);
      if (parent.path !== parentPath(path)) this.#moved.set(parentPath(path), parent.path);
    }
  }

  #describeImplied(first: RecordPlace): void {
    let { ordinal, offset } = first;
    for (const record of rawRecords(this.#layer.index, { from: offset })) {
      const path = recordPath(record);
      const place = { layer: this.#position, ordinal, offset };
      offset += record.length;
      ordinal += 1;
      const node = this.#find(path);
      if (node < 0 || this.#nodes.kindOf(node) !== nodeKind.implied) continue;
      if (this.#nodes.recordOf(node) === undefined) this.#nodes.describe(node, place, nodeKind.implied);
    }
  }

  /** The node for a directory of the layer; -1 when only marks are in it. */
  #find(path: BytePath): number {
    const settled = this.#settled.get(path);
    if (settled !== undefined) return settled.node;
    const to = settlePath(this.#moved, path);
    const parent = this.#walk(parentPath(to));
    return typeof parent === 'string' ? -1 : this.#nodes.find(this.#nodes.numberOf(parent.node), baseName(to));
  }

  /** What a hardlink can name at a path; -1 for nothing. */
  #leafAt(path: BytePath): number {
    const parent = this.#walk(parentPath(path));
    const node = typeof parent === 'string' ? -1 : this.#nodes.find(this.#nodes.numberOf(parent.node), baseName(path));
    return this.#nodes.isDirectory(node) ? -1 : node;
  }

  #walk(path: string, create = false): ReturnType<typeof walkImage> {
    return walkImage(path, {
      nodes: this.#nodes,
      targetOf: (node) => symlinkTarget(node, this.#context),
      ...(create ? { create: (parent, name) => this.#make(parent, name) } : {}),
    });
  }

  /** A directory that a symlink of a lower layer leads to, and that is not there. */
  #make(parent: WalkedDirectory, name: string): number {
    const node = this.#replace(this.#nodes.numberOf(parent.node), name, nodeKind.implied);
    this.#context.made.set(node, joinPath(parent.path, name));
    return node;
  }
}

type PutKind = typeof nodeKind.leaf | typeof nodeKind.symlink | typeof nodeKind.directory;

function kindOf(type: (typeof entryTypes)[number] | undefined): PutKind {
  if (type === 'directory') return nodeKind.directory;
  return type === 'symlink' ? nodeKind.symlink : nodeKind.leaf;
}

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
  { nodes, layers, links, reader }: Pick<MergeContext, 'nodes' | 'layers' | 'links' | 'reader'>,
): string {
  let symlink = node;
  for (let next = links.get(node); next !== undefined; next = links.get(next)) symlink = next;
  const place = nodes.recordOf(symlink);
  const layer = place === undefined ? undefined : layers[place.layer];
  if (place === undefined || layer === undefined) throw new Error('unreachable: a symlink has a record');
  return reader.read(layer.index, place.offset).link;
}
