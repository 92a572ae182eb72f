import { ZstdDecoder } from '@boxkit/linux';
import { invalid } from '../extract/layer-error.ts';
import { damage } from './damage.ts';
import { HashedInput } from './tar-input.ts';

/** Bytes of the tar at hand at once: what is decompressed is still in the processor's cache when it is used. */
const size = 2 ** 18;

/** Compressed bytes for a thread that may block. */
export interface ByteSource {
  /** The next bytes, valid until the next call; undefined at the end. */
  next(): Uint8Array | undefined;
}

/** A source of these bytes. */
export function sourceOf(bytes: Uint8Array): ByteSource {
  let left: Uint8Array | undefined = bytes;
  return {
    next() {
      const all = left;
      left = undefined;
      return all;
    },
  };
}

/**
 * Decompresses a zstd stream (frames in a row, and such as are to be skipped) in the thread that reads the tar.
 * Throws ERR_BOX_LAYER_INVALID for damage, for an early end and for bytes that are no zstd, ERR_BOX_LAYER_UNSUPPORTED
 * for a window of more than 128 MiB.
 */
export class ZstdInput extends HashedInput {
  readonly buffer = Buffer.allocUnsafeSlow(size);
  readonly #decoder = new ZstdDecoder();
  readonly #source: ByteSource;
  readonly #check: (received: number) => void;
  #compressed: Uint8Array = new Uint8Array();

  /** `check` is called with the number of bytes as they are decompressed, and may throw to stop. */
  constructor(source: ByteSource, algorithm: string, check: (received: number) => void) {
    super(algorithm);
    this.#source = source;
    this.#check = check;
  }

  fill(minimum: number): number {
    while (this.end - this.position < minimum) {
      if (this.position > 0) {
        this.buffer.copyWithin(0, this.position, this.end);
        this.end -= this.position;
        this.position = 0;
      }
      const count = this.#decompress(this.buffer.subarray(this.end));
      if (count === 0) break;
      this.received(this.buffer.subarray(this.end, this.end + count));
      this.end += count;
      this.#check(count);
    }
    return this.end - this.position;
  }

  override close(): void {
    this.#decoder.free();
  }

  /** Returns how many bytes it put into `room`: 0 at the end. */
  #decompress(room: Uint8Array): number {
    for (;;) {
      const count = this.#decode(room);
      if (count > 0) return count;
      if (this.#compressed.length > 0) continue;
      const next = this.#source.next();
      if (next === undefined) break;
      this.#compressed = next;
    }
    if (!this.#decoder.atEnd) throw invalid('the zstd stream ends early');
    return 0;
  }

  #decode(room: Uint8Array): number {
    try {
      const count = this.#decoder.decode(room, this.#compressed);
      this.#compressed = this.#compressed.subarray(this.#decoder.consumed);
      return count;
    } catch (error) {
      throw damage(error, 'zstd');
    }
  }
}
