import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { BoxError, digestParts, type Descriptor, type Store } from '@boxkit/contracts';

/** The path of a blob that the store has with the descriptor's size; undefined when it must be fetched. */
export function storedPath(store: Store, descriptor: Descriptor): string | undefined {
  const path = store.blobs.pathOf(descriptor.digest);
  return statSync(path, { throwIfNoEntry: false })?.size === descriptor.size ? path : undefined;
}

/**
 * Reads a blob of the store and verifies it once more on the way (disks rot, and people edit). What fails is deleted,
 * so that the next pull fetches it again, and ends in ERR_BOX_STORE_CORRUPT.
 */
export async function* readStored(
  store: Store,
  descriptor: Descriptor,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { algorithm, hex } = digestParts(descriptor.digest);
  const digest = createHash(algorithm);
  let size = 0;
  for await (const chunk of store.blobs.open(descriptor.digest, { signal })) {
    digest.update(chunk);
    size += chunk.length;
    yield chunk;
  }
  const received = digest.digest('hex');
  if (received === hex) {
    if (size !== descriptor.size) throw wrongSize(descriptor, size);
    return;
  }
  await store.blobs.delete(descriptor.digest);
  throw new BoxError(
    'ERR_BOX_STORE_CORRUPT',
    `cannot use blob ${descriptor.digest} of the store: its bytes changed on the disk`,
    {
      hint: 'It was removed; run the command again to fetch it anew, and box fsck to check the others.',
      fields: { digest: descriptor.digest, received: `${algorithm}:${received}` },
    },
  );
}

function wrongSize(descriptor: Descriptor, size: number): BoxError {
  return new BoxError(
    'ERR_BOX_SIZE_MISMATCH',
    `cannot use blob ${descriptor.digest}: its descriptor says ${descriptor.size} bytes, the blob has ${size}`,
    {
      hint: 'The image is wrong: its manifest gives a size that no blob of this digest can have.',
      fields: { digest: descriptor.digest, expected: descriptor.size, received: size },
    },
  );
}
