import type { Layer } from '@boxkit/contracts';
import type { BytePath, IndexedEntry } from '@boxkit/layer-applier';
import type { LookWithContents } from './open-look.ts';

/** Two files at the same path of two images, and whether their contents are the same. */
export interface ComparedFiles {
  readonly before: IndexedEntry;
  readonly after: IndexedEntry;
  readonly same: boolean;
}

/** Files of equal size of two images, whose contents are compared once all are known: each layer is read at most once an image. */
export class FileContents {
  readonly #sides: readonly [SideContents, SideContents];

  constructor(before: LookWithContents, after: LookWithContents) {
    this.#sides = [new SideContents(before), new SideContents(after)];
  }

  add(before: IndexedEntry, after: IndexedEntry): void {
    this.#sides[0].add(before.node);
    this.#sides[1].add(after.node);
  }

  async *compared(): AsyncGenerator<ComparedFiles, void, undefined> {
    const [before, after] = this.#sides;
    await before.read();
    await after.read();
    for (let at = 0; at < before.count; at += 1) {
      const [one, two] = [before.entryAt(at), after.entryAt(at)];
      if (one === undefined || two === undefined) continue;
      const digests = [before.digestAt(at), after.digestAt(at)] as const;
      yield { before: one, after: two, same: Buffer.compare(...digests) === 0 };
    }
  }
}

/** Files of one image, by their nodes. */
class SideContents {
  count = 0;
  readonly #look: LookWithContents;
  readonly #nodes: number[] = [];
  readonly #layers = new Map<string, LayerContents>();

  constructor(look: LookWithContents) {
    this.#look = look;
  }

  add(node: number): void {
    this.#nodes.push(node);
    this.count += 1;
  }

  async read(): Promise<void> {
    const { indexed, digests } = this.#look;
    for (const node of this.#nodes) {
      const content = indexed.contentOf(node);
      const found = indexed.entryOf(content);
      if (found === undefined) continue;
      const { diffId, layer } = found.layer;
      const contents = this.#layers.get(diffId) ?? new LayerContents(layer);
      this.#layers.set(diffId, contents);
      contents.add(found.entry.offset, content);
    }
    for (const contents of this.#layers.values()) {
      await contents.read(digests, (node) => indexed.entryOf(node)?.entry.path ?? ('' as BytePath));
    }
  }

  entryAt(at: number): IndexedEntry | undefined {
    const { indexed } = this.#look;
    const node = this.#nodes[at] ?? -1;
    return indexed.describe({ node, path: indexed.pathOf(node), kind: 'other' });
  }

  digestAt(at: number): Uint8Array {
    const { indexed } = this.#look;
    const found = indexed.entryOf(indexed.contentOf(this.#nodes[at] ?? -1));
    return this.#layers.get(found?.layer.diffId ?? '')?.digestOf(found?.entry.offset ?? -1) ?? new Uint8Array();
  }
}

const digestSize = 32;

class LayerContents {
  readonly #layer: Layer;
  readonly #found: { readonly offset: number; readonly node: number }[] = [];
  #offsets = new Float64Array();
  #digests: Uint8Array = new Uint8Array();

  constructor(layer: Layer) {
    this.#layer = layer;
  }

  add(offset: number, node: number): void {
    this.#found.push({ offset, node });
  }

  async read(digests: LookWithContents['digests'], pathOf: (node: number) => BytePath): Promise<void> {
    const sorted = this.#found.toSorted((a, b) => a.offset - b.offset);
    // A file has as many names as it likes.
    const distinct = sorted.filter(({ offset }, at) => offset !== sorted[at - 1]?.offset);
    this.#found.length = 0;
    this.#offsets = Float64Array.from(distinct, ({ offset }) => offset);
    this.#digests = await digests({
      layer: this.#layer,
      offsets: this.#offsets,
      pathAt: (at) => pathOf(distinct[at]?.node ?? -1),
    });
  }

  digestOf(offset: number): Uint8Array {
    let [low, high] = [0, this.#offsets.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#offsets[middle] ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return this.#digests.subarray(low * digestSize, (low + 1) * digestSize);
  }
}
