import { gone, noRecord, nodeKind, type ImageNodes, type RecordPlace } from './image-nodes.ts';
import type { MergeContext } from './merge-context.ts';
import type { WalkedDirectory } from './walk-image.ts';

/** What an entry of a layer becomes. */
export type PutKind = typeof nodeKind.leaf | typeof nodeKind.symlink | typeof nodeKind.directory;

/** Puts what one layer has at names of the image's directories, and notes which records the nodes are described by. */
export class NodePlacer {
  /** The nodes that the layer's records describe. */
  readonly byOrdinal: Uint32Array;
  readonly covered: Uint16Array;
  readonly #nodes: ImageNodes;
  readonly #merged: MergeContext['merged'];
  readonly #position: number;
  /** Numbers of directories of this layer to those of the lower ones that they hide. */
  readonly #shadows = new Map<number, number>();

  constructor(position: number, records: number, { nodes, merged }: Pick<MergeContext, 'nodes' | 'merged'>) {
    this.#position = position;
    this.#nodes = nodes;
    this.#merged = merged;
    this.byOrdinal = new Uint32Array(records).fill(noRecord);
    this.covered = new Uint16Array(records);
  }

  /** Takes all out of a directory that lower layers have in it. */
  empty(directory: number): void {
    const old = this.#nodes.empty(directory, this.#position);
    this.#shadows.set(this.#nodes.numberOf(directory), old);
  }

  /** A directory over a directory keeps what is in it. */
  directory(parent: WalkedDirectory, name: string, place: RecordPlace): void {
    const number = this.#nodes.numberOf(parent.node);
    const node = this.#nodes.find(number, name);
    const directory = this.#nodes.isDirectory(node) ? node : this.replace(number, name, nodeKind.directory);
    this.describeDirectory(directory, place);
  }

  describeDirectory(directory: number, place: RecordPlace): void {
    const before = this.#nodes.recordOf(directory);
    if (before !== undefined && this.#nodes.kindOf(directory) === nodeKind.directory) {
      const covered = before.layer === this.#position ? this.covered : this.#merged[before.layer]?.covered;
      if (covered !== undefined) covered[before.ordinal] = this.#position + 1;
    }
    this.#describe(directory, place, nodeKind.directory);
  }

  /** Anything but a directory. Tells whether a directory gave way to it. */
  leaf(parent: WalkedDirectory, name: string, kind: PutKind, place: RecordPlace): boolean {
    const number = this.#nodes.numberOf(parent.node);
    const old = this.#nodes.find(number, name);
    this.#describe(this.replace(number, name, kind), place, kind);
    return this.#nodes.isDirectory(old);
  }

  /** Makes the node of a hardlink's record another name of a node. A hardlink to a symlink is a symlink too. */
  link(ordinal: number, target: number): void {
    const node = this.byOrdinal[ordinal] ?? noRecord;
    const place = node === noRecord ? undefined : this.#nodes.recordOf(node);
    if (place === undefined) return;
    this.#nodes.link(node, target);
    if (this.#nodes.kindOf(target) === nodeKind.symlink) this.#nodes.describe(node, place, nodeKind.symlink);
  }

  /** A new node at a name; what lower layers had there counts as replaced, though this layer's marks hid it before. */
  replace(number: number, name: string, kind: PutKind | typeof nodeKind.implied): number {
    const position = this.#position;
    const shadow = this.#shadows.get(number);
    const here = this.#nodes.last(number, name);
    const old = here >= 0 || shadow === undefined ? here : this.#nodes.last(shadow, name);
    const by = old < 0 ? -1 : this.#nodes.goneBy(old);
    const isHidden = old >= 0 && (by < 0 || by === position);
    if (old >= 0 && (by < 0 ? here >= 0 || kind !== nodeKind.implied : by === position && kind !== nodeKind.implied)) {
      this.#nodes.remove(old, position, kind >= nodeKind.directory ? gone.replacedByDirectory : gone.replaced);
    }
    const node = this.#nodes.add(number, name, kind, position);
    if (isHidden && kind >= nodeKind.directory && this.#nodes.isDirectory(old)) {
      this.#shadows.set(this.#nodes.numberOf(node), this.#nodes.numberOf(old));
    }
    return node;
  }

  #describe(node: number, place: RecordPlace, kind: PutKind): void {
    this.#nodes.describe(node, place, kind);
    this.byOrdinal[place.ordinal] = node;
  }
}
