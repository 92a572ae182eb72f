import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { constants, crc32, deflateRaw } from 'node:zlib';
import { blocksOf, type Block } from './blocks.ts';
import { inOrder } from './in-order.ts';

const deflate = promisify<Buffer, DeflateOptions, Buffer>(deflateRaw);
type DeflateOptions = NonNullable<Parameters<typeof deflateRaw>[1]> & object;

/** Bytes deflated at a time. Long enough that what each costs beside (a stream's state, a hop to a thread) is little. */
const blockSize = 2 ** 19;
/** How far back deflate looks. */
const windowSize = 2 ** 15;

/**
 * Compresses as one gzip member, block by block in libuv's threads, as pigz does: each block is deflated on its own with
 * the 32 KiB before it as its dictionary, and ends at a byte's edge. The same bytes and level give the same result on any
 * number of processors. The header has neither a time nor a name. RFC 1951, RFC 1952. `level`: 0 to 9.
 */
export async function* gzipBlocks(
  chunks: AsyncIterable<Uint8Array>,
  level: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let checksum = 0;
  let length = 0;
  yield header(level);
  const blocks = watch(blocksOf(chunks, blockSize, windowSize), ({ bytes }) => {
    checksum = crc32(bytes, checksum);
    length += bytes.length;
  });
  yield* inOrder(blocks, availableParallelism() + 1, async ({ bytes, before, isLast }) =>
    deflate(bytes, {
      level: (await isCompressed(bytes)) ? 0 : level,
      memLevel: 9,
      chunkSize: blockSize + 2 ** 12,
      finishFlush: isLast ? constants.Z_FINISH : constants.Z_SYNC_FLUSH,
      ...(before.length === 0 ? {} : { dictionary: before }),
    }),
  );
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(checksum, 0);
  trailer.writeUInt32LE(length % 2 ** 32, 4);
  yield trailer;
}

/**
 * Whether a block is of the kind that deflate makes no smaller, such as a layer that is compressed already: to look for
 * matches in it takes as long as in any other. Told from a few samples, so by the block's bytes alone.
 */
async function isCompressed(bytes: Buffer): Promise<boolean> {
  const step = Math.floor(bytes.length / sampleCount);
  if (step < sampleSize) return false;
  const samples = Array.from({ length: sampleCount }, (_, at) => bytes.subarray(at * step, at * step + sampleSize));
  const deflated = await deflate(Buffer.concat(samples), { level: 1 });
  return deflated.length > sampleSize * sampleCount * leastShare;
}

const sampleCount = 8;
const sampleSize = 2 ** 12;
/** What is compressed already comes to about 1; what is worth compressing is well below. */
const leastShare = 0.98;

async function* watch(blocks: AsyncIterable<Block>, see: (block: Block) => void): AsyncGenerator<Block> {
  for await (const block of blocks) {
    see(block);
    yield block;
  }
}

/** Deflate, no flags, no time; the extra flags tell of the level; the system is Unix. */
function header(level: number): Uint8Array {
  const extraFlags = level === 9 ? 2 : level === 1 ? 4 : 0;
  return Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, extraFlags, 3);
}
