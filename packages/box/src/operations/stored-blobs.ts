import { createHash } from 'node:crypto';
import { BoxError, digestParts } from '@boxkit/contracts';
import type { BlobReader, BlobStream, Descriptor, Store } from '@boxkit/contracts';

const defaultLimit = 4 * 1024 * 1024;

/** Reads blobs from the store alone: for an image that is all there, so that no source need be loaded. */
export function storedBlobs(store: Store): BlobReader {
  const open: BlobReader['open'] = (descriptor, options = {}): BlobStream => ({
    path: store.blobs.pathOf(descriptor.digest),
    [Symbol.asyncIterator]: () => verified(store, store.blobs.open(descriptor.digest, options), descriptor),
  });
  return {
    open,
    async read(descriptor, { limit = defaultLimit, ...options } = {}) {
      if (descriptor.size > limit) {
        throw new BoxError(
          'ERR_BOX_BUDGET_EXCEEDED',
          `cannot read ${descriptor.digest}: ${descriptor.size} bytes are more than the ${limit} allowed`,
        );
      }
      const chunks: Uint8Array[] = [];
      for await (const chunk of open(descriptor, options)) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
    async ensure(descriptor) {
      if (await store.blobs.has(descriptor.digest)) return;
      throw new BoxError('ERR_BOX_BLOB_MISSING', `the store lacks the blob ${descriptor.digest}`, {
        hint: 'Pull the image again.',
        fields: { digest: descriptor.digest },
      });
    },
  };
}

async function* verified(
  store: Store,
  bytes: AsyncIterable<Uint8Array>,
  descriptor: Descriptor,
): AsyncGenerator<Uint8Array> {
  const { algorithm, hex } = digestParts(descriptor.digest);
  const hasher = createHash(algorithm);
  let size = 0;
  for await (const chunk of bytes) {
    hasher.update(chunk);
    size += chunk.length;
    yield chunk;
  }
  const received = hasher.digest('hex');
  if (size === descriptor.size && received === hex) return;
  if (received === hex) {
    throw new BoxError(
      'ERR_BOX_SIZE_MISMATCH',
      `cannot use the blob ${descriptor.digest}: its descriptor says ${descriptor.size} bytes, it has ${size}`,
      { fields: { digest: descriptor.digest, expected: descriptor.size, received: size } },
    );
  }
  // What stays would fail for ever: without it the image counts as incomplete, and the next command fetches it.
  await store.blobs.delete(descriptor.digest);
  throw new BoxError(
    'ERR_BOX_STORE_CORRUPT',
    `the blob ${descriptor.digest} in the store has other bytes than it had`,
    {
      hint: 'It was removed; run the command again, or pull the image, to fetch it anew, and box fsck to check the others.',
      fields: { digest: descriptor.digest, received: `${algorithm}:${received}`, size },
    },
  );
}
