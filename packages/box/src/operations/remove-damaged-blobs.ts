import { createHash } from 'node:crypto';
import { digestParts, isBoxError, type Digest, type Image, type StageContext } from '@boxkit/contracts';

const suspicious = [
  'ERR_BOX_DIGEST_MISMATCH',
  'ERR_BOX_SIZE_MISMATCH',
  'ERR_BOX_LAYER_INVALID',
  'ERR_BOX_LAYER_UNSUPPORTED',
] as const;

/**
 * Whether layers could not be applied because their blobs in the store are not what their digests say. Those are removed,
 * with a warning each: what stays would fail for ever, what is missing is fetched again.
 */
export async function removeDamagedBlobs(error: unknown, image: Image, context: StageContext): Promise<boolean> {
  if (!suspicious.some((code) => isBoxError(error, code))) return false;
  let removed = false;
  for (const digest of new Set(image.layers.map(({ descriptor }) => descriptor.digest))) {
    if (!(await context.store.blobs.has(digest)) || (await isSound(digest, context))) continue;
    await context.store.blobs.delete(digest);
    const message = `the blob ${digest} changed in the store; it is removed, and fetched again`;
    context.emit({ type: 'warning', code: 'blob-corrupt', message });
    removed = true;
  }
  return removed;
}

async function isSound(digest: Digest, { store, signal }: StageContext): Promise<boolean> {
  const { algorithm, hex } = digestParts(digest);
  const received = createHash(algorithm);
  for await (const chunk of store.blobs.open(digest, { signal })) received.update(chunk);
  return received.digest('hex') === hex;
}
