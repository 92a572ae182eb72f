import { createPathHash } from './path-hash.ts';
import { grown } from './grown.ts';

/**
 * Numbers for names in directories, which are numbers too: 16 to 24 bytes each, however long the name is. A directory
 * that is emptied or removed gets another number, or none, and all below it is out of reach with that.
 */
export class NameTable {
  /** Names so far; they are numbered from 0. */
  size = 0;
  /** Two words for each name. */
  #fingerprints = new Uint32Array(2 * 1024);
  /** Numbers of names, plus one. */
  #slots = new Uint32Array(2 * 1024);
  readonly #hashOf = createPathHash();

  /** The number that was last given to a name; -1 for none. */
  find(directory: number, name: string): number {
    const [low = 0, high = 0] = this.#hashOf(name, directory);
    return (this.#slots[this.#slotOf(low, high)] ?? 0) - 1;
  }

  /** A new number for a name, in the place of the one that it had. */
  add(directory: number, name: string): number {
    const number = this.size;
    this.size += 1;
    if (this.size * 2 > this.#slots.length) this.#grow();
    const [low = 0, high = 0] = this.#hashOf(name, directory);
    this.#slots[this.#slotOf(low, high)] = number + 1;
    this.#fingerprints = grown(this.#fingerprints, 2 * this.size);
    this.#fingerprints[2 * number] = low;
    this.#fingerprints[2 * number + 1] = high;
    return number;
  }

  #slotOf(low: number, high: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const number = (this.#slots[slot] ?? 0) - 1;
      if (number < 0) return slot;
      if (this.#fingerprints[2 * number] === low && this.#fingerprints[2 * number + 1] === high) return slot;
    }
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    for (const number of old) {
      if (number === 0) continue;
      const at = 2 * (number - 1);
      this.#slots[this.#slotOf(this.#fingerprints[at] ?? 0, this.#fingerprints[at + 1] ?? 0)] = number;
    }
  }
}
