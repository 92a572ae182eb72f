import { grown } from './grown.ts';

/** Places of records in one index: 12 bytes each. */
export class PlaceList {
  #ordinals = new Uint32Array(16);
  #offsets = new Float64Array(16);
  #size = 0;

  add({ ordinal, offset }: { readonly ordinal: number; readonly offset: number }): void {
    const at = this.#size;
    this.#size += 1;
    this.#ordinals = grown(this.#ordinals, this.#size);
    this.#offsets = grown(this.#offsets, this.#size);
    this.#ordinals[at] = ordinal;
    this.#offsets[at] = offset;
  }

  *[Symbol.iterator](): Generator<{ readonly ordinal: number; readonly offset: number }, void, undefined> {
    for (let at = 0; at < this.#size; at += 1) {
      yield { ordinal: this.#ordinals[at] ?? 0, offset: this.#offsets[at] ?? 0 };
    }
  }
}
