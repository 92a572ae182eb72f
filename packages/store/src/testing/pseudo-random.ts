import { createCipheriv } from 'node:crypto';

/** The same bytes for the same seed, in every process. */
export function pseudoRandomBytes(seed: number, size: number): Buffer {
  const key = Buffer.alloc(16);
  key.writeUInt32LE(seed);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}
