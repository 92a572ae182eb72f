/** A stretch of a stream, of a fixed size but for the last. */
export interface Block {
  readonly bytes: Buffer;
  /** The last bytes of the block before, at most so many as were asked for. */
  readonly before: Buffer;
  readonly isLast: boolean;
}

/**
 * Cuts a stream into blocks of `size` bytes, each a buffer of its own, whatever chunks it comes in. There is at least
 * one, which is empty when the stream is.
 */
export async function* blocksOf(
  chunks: AsyncIterable<Uint8Array>,
  size: number,
  overlap: number,
): AsyncGenerator<Block, void, undefined> {
  let block = Buffer.allocUnsafeSlow(size);
  let filled = 0;
  let before = Buffer.alloc(0);
  for await (const chunk of chunks) {
    for (let from = 0; from < chunk.length;) {
      // A full block goes on its way when it is known that more follows: only the last may be marked so.
      if (filled === size) {
        yield { bytes: block, before, isLast: false };
        before = block.subarray(size - overlap);
        block = Buffer.allocUnsafeSlow(size);
        filled = 0;
      }
      const count = Math.min(chunk.length - from, size - filled);
      block.set(chunk.subarray(from, from + count), filled);
      filled += count;
      from += count;
    }
  }
  yield { bytes: block.subarray(0, filled), before, isLast: true };
}
