import type { Branded } from './brand.ts';
import { BoxError } from './errors.ts';

/** The digest of bytes as they are stored or sent (compressed), `sha256:<64 hex digits>` or `sha512:<128>`. OCI image-spec, descriptor.md "Digests". */
export type Digest = Branded<string, 'Digest'>;

/** The digest of a layer's uncompressed tar. OCI image-spec, config.md "Layer DiffID". */
export type DiffId = Branded<string, 'DiffId'>;

/** The digest that names a stack of layers applied in order. OCI image-spec, config.md "Layer ChainID". */
export type ChainId = Branded<string, 'ChainId'>;

const grammar = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

/** Whether `text` is a digest that box can verify. */
export function isDigest(text: string): text is Digest {
  return grammar.test(text);
}

/** Parses a digest; throws ERR_BOX_DIGEST_INVALID for another algorithm, upper case or a wrong length. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new BoxError('ERR_BOX_DIGEST_INVALID', `cannot use ${JSON.stringify(text.slice(0, 160))} as a digest`, {
    hint: 'A digest is sha256: followed by 64 lower-case hexadecimal digits (or sha512: and 128).',
  });
}

/** Parses a diffID; the grammar is that of a digest. */
export function parseDiffId(text: string): DiffId {
  return parseDigest(text) as string as DiffId;
}

/** Splits a digest into what hashes it (a name node:crypto knows) and its hexadecimal part. */
export function digestParts(digest: Digest | DiffId | ChainId): { algorithm: 'sha256' | 'sha512'; hex: string } {
  const [algorithm, hex] = digest.split(':');
  return { algorithm: algorithm === 'sha512' ? 'sha512' : 'sha256', hex: hex ?? '' };
}
