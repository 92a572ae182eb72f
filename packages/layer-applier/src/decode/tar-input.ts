import { createHash, type Hash } from 'node:crypto';

/**
 * Uncompressed bytes for a synchronous reader. `buffer[position .. end]` is at hand; the reader moves `position`
 * forward and calls `fill` for more, which may move or reuse what lies before `position`.
 */
export interface TarInput {
  readonly buffer: Buffer;
  position: number;
  readonly end: number;
  /** Offset in the tar of `position`. */
  readonly offset: number;
  /** Blocks until `minimum` bytes (at most 512) are at hand or the input has ended. Returns how many are. */
  fill(minimum: number): number;
  /** The sha256 (or what the diffID names) of everything read so far, as hexadecimal. Call once, after the end. */
  digest(): string;
}

/** What TarInputs share: a hash over what arrives, and the offset. */
export abstract class HashedInput implements TarInput {
  abstract readonly buffer: Buffer;
  position = 0;
  end = 0;
  readonly #hash: Hash;
  /** Offset in the tar of `end`. */
  #received = 0;

  constructor(algorithm: string) {
    this.#hash = createHash(algorithm);
  }

  get offset(): number {
    return this.#received - (this.end - this.position);
  }

  abstract fill(minimum: number): number;

  digest(): string {
    return this.#hash.digest('hex');
  }

  /** Gives back what it holds besides memory of JavaScript's. */
  close(): void {}

  protected received(bytes: Uint8Array): void {
    this.#received += bytes.length;
    this.#hash.update(bytes);
  }
}
