import { createPathHash } from './path-hash.ts';

/** What upper layers did at a path. */
export const pathFlag = {
  /** One has a directory there. */
  directory: 1,
  /** One has something else there, or a whiteout: what lower layers have there, and below, is not seen. */
  hidden: 2,
  /** One made it opaque: what lower layers have below is not seen. */
  hiddenBelow: 4,
  /** One has something below it, so that a lower layer's file there is replaced, and its directory kept as it is. */
  implied: 8,
} as const;

/**
 * Paths that upper layers have, by a 64-bit fingerprint: 13 to 26 bytes each, whatever their length.
 */
export class PathTable {
  #fingerprints = new Uint32Array(2 * 1024);
  #flags = new Uint8Array(1024);
  /** Positions, plus one. */
  #claims = new Uint16Array(1024);
  #hides = new Uint16Array(1024);
  #size = 0;
  readonly #hashOf = createPathHash();

  /** The slot of a path, or -1. Valid until the next `add`. */
  find(path: string): number {
    const slot = this.#probe(path);
    return this.#isFree(slot) ? -1 : slot;
  }

  /** The slot of a path, made when missing. */
  add(path: string): number {
    if (this.#size * 2 >= this.#flags.length) this.#grow();
    const slot = this.#probe(path);
    if (this.#isFree(slot)) {
      this.#size += 1;
      this.#fingerprints.set(this.#hashOf(path), slot * 2);
    }
    return slot;
  }

  flagsOf(slot: number): number {
    return this.#flags[slot] ?? 0;
  }

  /** The position of the nearest layer above that has an entry there; -1 for none. */
  claimOf(slot: number): number {
    return (this.#claims[slot] ?? 0) - 1;
  }

  /** The position of the nearest layer above that hides what is there, or below it; -1 for none. */
  hideOf(slot: number): number {
    return (this.#hides[slot] ?? 0) - 1;
  }

  claim(slot: number, position: number, flags: number): void {
    this.#flags[slot] = this.flagsOf(slot) | flags;
    this.#claims[slot] = position + 1;
    if ((flags & pathFlag.hidden) !== 0) this.#hides[slot] = position + 1;
  }

  hide(slot: number, position: number, flags: number): void {
    this.#flags[slot] = this.flagsOf(slot) | flags;
    this.#hides[slot] = position + 1;
  }

  imply(slot: number, position: number): void {
    this.#flags[slot] = this.flagsOf(slot) | pathFlag.implied;
    if (this.#hides[slot] === 0) this.#hides[slot] = position + 1;
  }

  #isFree(slot: number): boolean {
    return this.#flags[slot] === 0;
  }

  #probe(path: string): number {
    const [low = 0, high = 0] = this.#hashOf(path);
    return this.#slotOf(low, high);
  }

  #slotOf(low: number, high: number): number {
    const mask = this.#flags.length - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      if (this.#isFree(slot)) return slot;
      if (this.#fingerprints[slot * 2] === low && this.#fingerprints[slot * 2 + 1] === high) return slot;
    }
  }

  #grow(): void {
    const [fingerprints, flags, claims, hides] = [this.#fingerprints, this.#flags, this.#claims, this.#hides];
    const length = flags.length * 2;
    this.#fingerprints = new Uint32Array(2 * length);
    this.#flags = new Uint8Array(length);
    this.#claims = new Uint16Array(length);
    this.#hides = new Uint16Array(length);
    for (let slot = 0; slot < flags.length; slot += 1) {
      if (flags[slot] === 0) continue;
      const low = fingerprints[slot * 2] ?? 0;
      const high = fingerprints[slot * 2 + 1] ?? 0;
      const to = this.#slotOf(low, high);
      this.#fingerprints[to * 2] = low;
      this.#fingerprints[to * 2 + 1] = high;
      this.#flags[to] = flags[slot] ?? 0;
      this.#claims[to] = claims[slot] ?? 0;
      this.#hides[to] = hides[slot] ?? 0;
    }
  }
}
