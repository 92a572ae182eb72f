import { createHash } from 'node:crypto';
import type { ContentObserver } from './write-content.ts';

const zeros = Buffer.alloc(2 ** 16);

/** The sha256 of one file's content, holes as zeros. */
export class ContentDigest implements ContentObserver {
  readonly #hash = createHash('sha256');

  data(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  hole(length: number): void {
    for (let left = length; left > 0; left -= zeros.length) {
      this.#hash.update(left < zeros.length ? zeros.subarray(0, left) : zeros);
    }
  }

  digest(): Uint8Array {
    return this.#hash.digest();
  }
}
