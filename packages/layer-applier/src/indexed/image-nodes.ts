import { grown } from './grown.ts';
import { NameTable } from './name-table.ts';

/** What a node is. An implied directory has no entry of its own in any layer. */
export const nodeKind = { leaf: 0, symlink: 1, directory: 2, implied: 3 } as const;
export type NodeKind = (typeof nodeKind)[keyof typeof nodeKind];

/** How a node went: something else than a directory took its place, or a directory did. */
export const gone = { deleted: 0, replaced: 1, replacedByDirectory: 2 } as const;
export type Gone = (typeof gone)[keyof typeof gone];

/** Which record of which layer's index a node is described by. */
export interface RecordPlace {
  readonly layer: number;
  /** From 0 for the index's first record. */
  readonly ordinal: number;
  /** Bytes from the start of the index. */
  readonly offset: number;
}

/** No record: of a directory that is there for what lies below it. */
export const noRecord = 2 ** 32 - 1;

/**
 * All that layers have ever had at their paths, as numbers in columns: some 65 bytes for a node, whatever its name. A node
 * is one thing at a path: what a later layer puts in its place is another one. What a directory holds hangs on a number
 * of the directory that changes when it is emptied.
 */
export class ImageNodes {
  readonly root: number;
  readonly #names = new NameTable();
  #kind = new Uint8Array(1024);
  /** The number of the directory that holds it. */
  #holder = new Uint32Array(1024);
  /** A directory's own number. */
  #number = new Uint32Array(1024);
  #layer = new Uint16Array(1024);
  #ordinal = new Uint32Array(1024);
  #offset = new Float64Array(1024);
  /** Position of the layer that removed it, plus one. */
  #goneBy = new Uint16Array(1024);
  #how = new Uint8Array(1024);
  /** The next of the same directory. */
  #sibling = new Uint32Array(1024);
  /** What a hardlink leads to, plus one. */
  #target = new Uint32Array(1024);

  /** Of numbers of directories: the node, the position plus one of the layer that emptied it, the node added last, plus one. */
  #owner = new Uint32Array(256);
  #emptiedBy = new Uint16Array(256);
  #youngest = new Uint32Array(256);
  #directories = 0;

  constructor() {
    this.root = this.#node(this.#names.add(0, ''), nodeKind.implied, 0);
  }

  get size(): number {
    return this.#names.size;
  }

  /** The node that was last at a name, though it may be gone; -1 for none ever. */
  last(number: number, name: string): number {
    return this.#names.find(number, name);
  }

  /** The node at a name of a directory that is given by its number; -1 for none. */
  find(number: number, name: string): number {
    const node = this.#names.find(number, name);
    return node >= 0 && this.#goneBy[node] === 0 ? node : -1;
  }

  /** A new node that `layer` puts at a name. What was there is to be removed by the caller. */
  add(number: number, name: string, kind: NodeKind, layer: number): number {
    const node = this.#node(this.#names.add(number, name), kind, number);
    this.#layer[node] = layer;
    this.#sibling[node] = this.#youngest[number] ?? 0;
    this.#youngest[number] = node + 1;
    return node;
  }

  kindOf(node: number): NodeKind {
    return this.#kind[node] as NodeKind;
  }

  isDirectory(node: number): boolean {
    return node >= 0 && (this.#kind[node] ?? 0) >= nodeKind.directory;
  }

  numberOf(directory: number): number {
    return this.#number[directory] ?? 0;
  }

  recordOf(node: number): RecordPlace | undefined {
    const ordinal = this.#ordinal[node] ?? noRecord;
    if (ordinal === noRecord) return undefined;
    return { layer: this.#layer[node] ?? 0, ordinal, offset: this.#offset[node] ?? 0 };
  }

  layerOf(node: number): number {
    return this.#layer[node] ?? 0;
  }

  ordinalOf(node: number): number {
    return this.#ordinal[node] ?? noRecord;
  }

  describe(node: number, { layer, ordinal, offset }: RecordPlace, kind: NodeKind): void {
    this.#kind[node] = kind;
    this.#layer[node] = layer;
    this.#ordinal[node] = ordinal;
    this.#offset[node] = offset;
  }

  /** Notes what a hardlink leads to: a node that was there before it. */
  link(node: number, target: number): void {
    this.#target[node] = target + 1;
  }

  /** What a hardlink leads to, which may be a further one; -1 for all else, and for a target that no record tells of. */
  targetOf(node: number): number {
    return (this.#target[node] ?? 0) - 1;
  }

  remove(node: number, layer: number, how: Gone): void {
    this.#goneBy[node] = layer + 1;
    this.#how[node] = how;
  }

  /** All that a directory holds goes; gives the number that it had. */
  empty(directory: number, layer: number): number {
    const old = this.numberOf(directory);
    this.#emptiedBy[old] = layer + 1;
    this.#number[directory] = this.#newNumber(directory);
    return old;
  }

  /** The position of the layer that removed a node; -1 while it is there. Of what goes with its directory, after `finish`. */
  goneBy(node: number): number {
    return (this.#goneBy[node] ?? 0) - 1;
  }

  howGone(node: number): Gone {
    return this.#how[node] as Gone;
  }

  /** Nodes that are in a directory, in no order. */
  *children(directory: number): Generator<number, void, undefined> {
    let next = this.#youngest[this.numberOf(directory)] ?? 0;
    for (; next !== 0; next = this.#sibling[next - 1] ?? 0) if (this.#goneBy[next - 1] === 0) yield next - 1;
  }

  /** Has what went with its directory marked so itself: a node is always older than what it holds. */
  finish(): void {
    for (let node = 1; node < this.size; node += 1) {
      const holder = this.#holder[node] ?? 0;
      const above = nearest(this.#emptiedBy[holder] ?? 0, this.#goneBy[this.#owner[holder] ?? 0] ?? 0);
      const own = this.#goneBy[node] ?? 0;
      if (above === 0 || (own !== 0 && own <= above)) continue;
      this.#goneBy[node] = above;
      this.#how[node] = gone.deleted;
    }
  }

  #node(node: number, kind: NodeKind, holder: number): number {
    this.#reserve(node + 1);
    this.#kind[node] = kind;
    this.#holder[node] = holder;
    this.#ordinal[node] = noRecord;
    if (kind >= nodeKind.directory) this.#number[node] = this.#newNumber(node);
    return node;
  }

  #newNumber(directory: number): number {
    const number = this.#directories;
    this.#directories += 1;
    this.#owner = grown(this.#owner, this.#directories);
    this.#emptiedBy = grown(this.#emptiedBy, this.#directories);
    this.#youngest = grown(this.#youngest, this.#directories);
    this.#owner[number] = directory;
    return number;
  }

  #reserve(length: number): void {
    if (length <= this.#kind.length) return;
    this.#kind = grown(this.#kind, length);
    this.#holder = grown(this.#holder, length);
    this.#number = grown(this.#number, length);
    this.#layer = grown(this.#layer, length);
    this.#ordinal = grown(this.#ordinal, length);
    this.#offset = grown(this.#offset, length);
    this.#goneBy = grown(this.#goneBy, length);
    this.#how = grown(this.#how, length);
    this.#sibling = grown(this.#sibling, length);
    this.#target = grown(this.#target, length);
  }
}

/** Of two positions plus one, zero for none. */
function nearest(a: number, b: number): number {
  if (a === 0) return b;
  return b === 0 ? a : Math.min(a, b);
}
