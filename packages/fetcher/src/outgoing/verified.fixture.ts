import type { BlobReader, OutgoingImage } from '@boxkit/contracts';

/** Opens blobs of a reader, from an offset by leaving out what stands before. */
export function bytesFrom(blobs: BlobReader): OutgoingImage['open'] {
  return async (descriptor, { offset = 0, signal }) => {
    await Promise.resolve();
    return {
      startedAt: offset,
      async *[Symbol.asyncIterator]() {
        let skip = offset;
        for await (const chunk of blobs.open(descriptor, { signal })) {
          if (chunk.length > skip) yield chunk.subarray(skip);
          skip = Math.max(0, skip - chunk.length);
        }
      },
    };
  };
}
