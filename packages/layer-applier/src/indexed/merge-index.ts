import { baseName, joinPath, parentPath, type BytePath } from '../byte-path.ts';
import { entryTypes, field, indexMagic, recordFlag } from '../layer-index/index-format.ts';
import { rawRecords, readStagedLayer, recordLink, recordPath } from '../layer-index/read-index.ts';
import { missingTarget } from '../merge/link-deferred.ts';
import { markPlaces } from '../merge/mark-places.ts';
import type { DeferredHardlink, StagedLayer } from '../staged-layer.ts';
import { gone, noRecord, nodeKind, type RecordPlace } from './image-nodes.ts';
import type { IndexedLayer } from './indexed-layer.ts';
import { LayerDirectories } from './layer-directories.ts';
import { hiddenNodes } from './layer-marks.ts';
import { LinkTargets } from './link-targets.ts';
import { type HiddenPaths, type MergeContext, settlePath } from './merge-context.ts';
import { NodePlacer, type PutKind } from './node-placer.ts';

/** Puts one layer upon those below, from their indexes alone, by the rules of mergeLayer. Throws ERR_BOX_LAYER_INVALID for a hardlink to nowhere. */
export function mergeIndex(position: number, context: MergeContext): void {
  const layer = context.layers[position];
  if (layer !== undefined) new IndexMerge(layer, position, context).run();
}

class IndexMerge {
  readonly #layer: IndexedLayer;
  readonly #summary: StagedLayer;
  readonly #position: number;
  readonly #context: MergeContext;
  readonly #placer: NodePlacer;
  readonly #directories: LayerDirectories;
  /** Directories that may be there for marks only. */
  readonly #marked: ReadonlySet<BytePath>;
  #targets: LinkTargets | undefined;
  /** Hardlinks whose targets are not in place yet. */
  readonly #unsettled: { readonly ordinal: number; readonly link: BytePath }[] = [];
  /** Hardlinks to lower layers' files. */
  readonly #late: { readonly place: RecordPlace; readonly path: BytePath }[] = [];

  constructor(layer: IndexedLayer, position: number, context: MergeContext) {
    this.#summary = readStagedLayer(layer.layer, layer.directory);
    this.#layer = layer;
    this.#position = position;
    this.#context = context;
    this.#placer = new NodePlacer(position, this.#summary.entries, context);
    this.#directories = new LayerDirectories(context, this.#placer, new Set(this.#summary.impliedDirectories));
    this.#marked = markPlaces(this.#summary);
  }

  run(): void {
    const held = this.#summary.deferredHardlinks.map(({ target }) => this.#leafAt(target));
    const hidden = this.#hide();
    this.#putAll();
    this.#settle();
    this.#linkLate(held);
    const { byOrdinal: nodes, covered } = this.#placer;
    this.#context.merged.push({ nodes, covered, moved: this.#directories.moved, hidden });
  }

  #hide(): HiddenPaths {
    const { index } = this.#layer;
    const { whiteouts, opaques } = this.#summary;
    const { nodes } = this.#context;
    const hidden = hiddenNodes({ index, whiteouts, opaques }, nodes, (path) => this.#directories.walk(path));
    for (const { node } of hidden.emptied) this.#placer.empty(node);
    for (const { node } of hidden.removed) nodes.remove(node, this.#position, gone.deleted);
    return { removed: hidden.removed.map(({ path }) => path), emptied: hidden.emptied.map(({ path }) => path) };
  }

  #putAll(): void {
    let offset = indexMagic.length;
    let ordinal = 0;
    for (const record of rawRecords(this.#layer.index)) {
      this.#put(record, { layer: this.#position, ordinal, offset });
      offset += record.length;
      ordinal += 1;
    }
  }

  #put(record: Buffer, place: RecordPlace): void {
    const path = recordPath(record);
    const type = entryTypes[record[field.type] ?? 0];
    const flags = record[field.flags] ?? 0;
    if (type === 'whiteout' || type === 'opaque') return;
    if ((flags & recordFlag.deferred) !== 0) {
      this.#late.push({ place, path });
    } else if ((flags & recordFlag.implied) !== 0) {
      this.#putImplied(path, place);
    } else if (path === '') {
      this.#placer.describeDirectory(this.#context.nodes.root, place);
    } else {
      const link = type === 'hardlink' ? recordLink(record) : undefined;
      const parent = this.#directories.ensure(parentPath(path));
      if ('redirect' in parent) {
        this.#directories.wait(parent.redirect, place);
        return;
      }
      const kind = kindOf(type);
      if (kind === nodeKind.directory) this.#placer.directory(parent, baseName(path), place);
      else if (this.#placer.leaf(parent, baseName(path), kind, place)) this.#directories.forget();
      if (link !== undefined) this.#link(place.ordinal, link);
    }
  }

  /** A directory that is there for what lies below it, or that a symlink of the layer itself leads through. */
  #putImplied(path: BytePath, place: RecordPlace): void {
    const { nodes, made } = this.#context;
    const there = this.#marked.has(path) ? this.#directories.find(path) : this.#directories.ensure(path);
    if (there === undefined) return;
    if ('redirect' in there) {
      this.#directories.wait(there.redirect, place);
      return;
    }
    this.#dateMade(path, place);
    if (nodes.kindOf(there.node) !== nodeKind.implied || made.has(there.node)) return;
    if (nodes.recordOf(there.node) === undefined) nodes.describe(there.node, place, nodeKind.implied);
  }

  /** What was made on the way to a directory is as old as what it was made for. */
  #dateMade(path: BytePath, { offset }: RecordPlace): void {
    const { made, reader } = this.#context;
    for (const node of this.#directories.madeFor(path)) {
      const directory = made.get(node);
      if (directory !== undefined) directory.mtime = reader.read(this.#layer.index, offset).mtime;
    }
  }

  #settle(): void {
    for (const { ordinal, offset } of this.#directories.settle()) {
      const record = this.#context.reader.raw(this.#layer.index, offset);
      this.#put(record, { layer: this.#position, ordinal, offset });
    }
    for (const { ordinal, link } of this.#unsettled.toSorted((a, b) => a.ordinal - b.ordinal)) {
      const own = this.#ownTarget(link);
      const node = own === noRecord ? this.#leafAt(link) : (this.#placer.byOrdinal[own] ?? noRecord);
      if (node >= 0 && node !== noRecord && this.#isBefore(node, ordinal)) this.#placer.link(ordinal, node);
    }
  }

  /** Notes what a hardlink to a file of its own layer leads to. */
  #link(ordinal: number, link: BytePath): void {
    const target = this.#ownTarget(link);
    const node = this.#placer.byOrdinal[target] ?? noRecord;
    // A later entry took the target's path: the index has nothing of what the link leads to.
    if (target !== noRecord && target > ordinal) return;
    if (node === noRecord) this.#unsettled.push({ ordinal, link });
    else this.#placer.link(ordinal, node);
  }

  #ownTarget(link: BytePath): number {
    return (this.#targets ??= new LinkTargets(this.#layer.index)).find(link);
  }

  #isBefore(node: number, ordinal: number): boolean {
    const { nodes } = this.#context;
    return nodes.layerOf(node) === this.#position && nodes.ordinalOf(node) < ordinal;
  }

  #linkLate(held: readonly number[]): void {
    const { nodes, alone } = this.#context;
    const deferred: readonly DeferredHardlink[] = this.#summary.deferredHardlinks;
    const links = new Map(deferred.map(({ path, target }, at) => [path, { target, node: held[at] ?? -1 }]));
    for (const { place, path } of this.#late) {
      const { target, node: before } = links.get(path) ?? { target: '' as BytePath, node: -1 };
      const node = before < 0 ? this.#leafAt(target) : before;
      const parent = this.#directories.walk(parentPath(path), parentPath(path));
      if (typeof parent === 'string' || (node < 0 && !alone)) {
        throw missingTarget(this.#layer.layer, path, target);
      }
      this.#dateMade(parentPath(path), place);
      // A link to itself changes nothing.
      if (node >= 0 && nodes.find(nodes.numberOf(parent.node), baseName(path)) === node) continue;
      this.#placer.leaf(parent, baseName(path), nodeKind.leaf, place);
      const at = joinPath(parent.path, baseName(path));
      const link = this.#placer.byOrdinal[place.ordinal] ?? noRecord;
      if (settlePath(this.#directories.moved, path) !== at) this.#context.elsewhere.set(link, at);
      if (node >= 0) this.#placer.link(place.ordinal, node);
    }
  }

  /** What a hardlink can name at a path; -1 for nothing. */
  #leafAt(path: BytePath): number {
    const { nodes } = this.#context;
    const parent = this.#directories.walk(parentPath(path));
    const node = typeof parent === 'string' ? -1 : nodes.find(nodes.numberOf(parent.node), baseName(path));
    return nodes.isDirectory(node) ? -1 : node;
  }
}

function kindOf(type: (typeof entryTypes)[number] | undefined): PutKind {
  if (type === 'directory') return nodeKind.directory;
  return type === 'symlink' ? nodeKind.symlink : nodeKind.leaf;
}
