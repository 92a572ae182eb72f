/** Chunks that were taken from a source, the first of them `before` bytes after the first that was taken. */
export interface TakenBytes {
  readonly chunks: readonly Uint8Array[];
  readonly before: number;
}

/** Chunks that can be read by the byte, too, and given back. */
export class ByteSource {
  readonly #next: () => Promise<Uint8Array | undefined>;
  #queue: Uint8Array[] = [];

  constructor(next: () => Promise<Uint8Array | undefined>) {
    this.#next = next;
  }

  /** What comes next, in the pieces that it came in; undefined at the end. Never empty. */
  async chunk(): Promise<Uint8Array | undefined> {
    for (;;) {
      const chunk = this.#queue.shift() ?? (await this.#next());
      if (chunk === undefined || chunk.length > 0) return chunk;
    }
  }

  /** The next byte; undefined at the end. */
  async byte(): Promise<number | undefined> {
    const chunk = await this.chunk();
    if (chunk === undefined) return undefined;
    if (chunk.length > 1) this.#queue.unshift(chunk.subarray(1));
    return chunk[0];
  }

  /** Gives back what was taken, but for the first `used` bytes. */
  unread({ chunks, before }: TakenBytes, used: number): void {
    let skip = used - before;
    const rest = chunks.map((chunk) => {
      const kept = chunk.subarray(Math.min(skip, chunk.length));
      skip -= chunk.length - kept.length;
      return kept;
    });
    this.#queue.unshift(...rest);
  }
}
