import { createHash } from 'node:crypto';
import type { Credential } from '../credentials/credential.ts';

/** Who a faulty registry lets in, with a password that can be looked for where it must not be. */
export const tester = { username: 'tester', password: 'a-password-to-look-for' } as const;

export const findTester = () => Promise.resolve<Credential>({ kind: 'password', ...tester });

/** Bytes that compress to nothing, the same for the same name. */
export function noise(size: number, name: string): Buffer {
  const parts = Array.from({ length: Math.ceil(size / 32) }, (_, at) =>
    createHash('sha256').update(`${name}${at}`).digest(),
  );
  return Buffer.concat(parts).subarray(0, size);
}
