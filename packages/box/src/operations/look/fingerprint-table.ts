import { createPathHash } from '@boxkit/layer-applier';

const words = 6;

/** For each path, fingerprints of what it is and of where it comes from: some 50 bytes an entry. */
export class FingerprintTable {
  /** Path, description, origin: two words each. */
  #cells = new Uint32Array(words * 1024);
  #used = new Uint8Array(1024);
  #size = 0;
  readonly #hash = createPathHash();

  set(path: string, description: string, origin: string): void {
    if (this.#size * 2 >= this.#used.length) this.#grow();
    const slot = this.#slotOf(this.#hash(path));
    if (this.#used[slot] === 0) this.#size += 1;
    this.#cells.set(this.#hash(path), slot * words);
    this.#cells.set(this.#hash(description), slot * words + 2);
    this.#cells.set(this.#hash(origin), slot * words + 4);
    this.#used[slot] = 1;
  }

  /** How a path compares with what was set; a path that is compared counts as met. */
  compare(path: string, description: string, origin: string): 'missing' | 'different' | 'alike' | 'same' {
    const slot = this.#slotOf(this.#hash(path));
    if (this.#used[slot] === 0) return 'missing';
    this.#used[slot] = 2;
    if (this.#equals(slot * words + 4, this.#hash(origin))) return 'same';
    return this.#equals(slot * words + 2, this.#hash(description)) ? 'alike' : 'different';
  }

  isMet(path: string): boolean {
    return this.#used[this.#slotOf(this.#hash(path))] === 2;
  }

  #equals(at: number, hash: Uint32Array): boolean {
    return this.#cells[at] === hash[0] && this.#cells[at + 1] === hash[1];
  }

  #slotOf(hash: Uint32Array): number {
    const mask = this.#used.length - 1;
    for (let slot = (hash[0] ?? 0) & mask; ; slot = (slot + 1) & mask) {
      if (this.#used[slot] === 0 || this.#equals(slot * words, hash)) return slot;
    }
  }

  #grow(): void {
    const [cells, used] = [this.#cells, this.#used];
    this.#cells = new Uint32Array(cells.length * 2);
    this.#used = new Uint8Array(used.length * 2);
    for (let from = 0; from < used.length; from += 1) {
      if (used[from] === 0) continue;
      const cell = cells.subarray(from * words, (from + 1) * words);
      const slot = this.#slotOf(cell);
      this.#cells.set(cell, slot * words);
      this.#used[slot] = used[from] ?? 0;
    }
  }
}
