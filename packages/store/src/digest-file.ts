import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Digest } from '@boxkit/contracts';
import { digestParts } from '@boxkit/contracts';

/** The digest of a file's bytes, with the algorithm of `like`. Throws what node:fs throws. */
export async function digestOfFile(path: string, like: Digest, signal?: AbortSignal): Promise<Digest> {
  const { algorithm } = digestParts(like);
  const digest = createHash(algorithm);
  const buffer = Buffer.allocUnsafeSlow(1 << 20);
  await using file = await open(path, 'r');
  for (;;) {
    signal?.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, buffer.length);
    if (bytesRead === 0) return `${algorithm}:${digest.digest('hex')}` as Digest;
    digest.update(buffer.subarray(0, bytesRead));
  }
}
