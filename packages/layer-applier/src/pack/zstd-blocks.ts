import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import { blocksOf } from './blocks.ts';
import { inOrder } from './in-order.ts';

const compress = promisify<Buffer, NonNullable<Parameters<typeof zstdCompress>[1]> & object, Buffer>(zstdCompress);

/** Bytes of one frame: some windows long, so that little is lost by starting anew. */
const frameSize = 2 ** 23;

/**
 * Compresses as zstd, frame by frame in libuv's threads: a stream of several frames is one to every reader. (libzstd's
 * own workers cannot be used through node:zlib, whose stream takes their delay for the end.) Each frame has its size and
 * checksum. The same bytes and level give the same result on any number of processors. RFC 8878. `level`: 1 to 22.
 */
export async function* zstdBlocks(
  chunks: AsyncIterable<Uint8Array>,
  level: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 };
  yield* inOrder(blocksOf(chunks, frameSize, 0), availableParallelism(), ({ bytes }) =>
    compress(bytes, { params, chunkSize: 2 ** 20, pledgedSrcSize: bytes.length }),
  );
}
