import { readSync } from 'node:fs';
import { HashedInput } from './tar-input.ts';

const size = 2 ** 20;

/** Reads a descriptor (a file, or a pipe that blocks) to its end. */
export class FileInput extends HashedInput {
  readonly buffer = Buffer.allocUnsafeSlow(size);
  readonly #fd: number;
  readonly #check: (received: number) => void;

  /** `check` is called with the number of bytes after each read, and may throw to stop. */
  constructor(fd: number, algorithm: string, check: (received: number) => void) {
    super(algorithm);
    this.#fd = fd;
    this.#check = check;
  }

  fill(minimum: number): number {
    while (this.end - this.position < minimum) {
      if (this.position > 0) {
        this.buffer.copyWithin(0, this.position, this.end);
        this.end -= this.position;
        this.position = 0;
      }
      const count = readSync(this.#fd, this.buffer, this.end, size - this.end, null);
      if (count === 0) break;
      this.received(this.buffer.subarray(this.end, this.end + count));
      this.end += count;
      this.#check(count);
    }
    return this.end - this.position;
  }
}
