import type { Descriptor } from './descriptor.ts';

/**
 * Opens blobs without saying where they are: from the store when it has them, else from the source,
 * keeping what passes through. Bytes are checked against the descriptor while they pass; the iterable
 * throws (ERR_BOX_DIGEST_MISMATCH, ERR_BOX_SIZE_MISMATCH) instead of ending when they do not fit it,
 * so nothing may be committed before the iterable has ended.
 */
export interface BlobReader {
  /**
   * A stream of the whole blob, readable while it still arrives. Each blob is fetched once however many
   * times it is opened. Leaving the loop early cancels what is no longer needed.
   */
  open(descriptor: Descriptor, options?: OpenOptions): BlobStream;
  /** A small blob (a manifest, a config) whole. Throws ERR_BOX_BUDGET_EXCEEDED when it is longer than `limit` bytes (default 4 MiB). */
  read(descriptor: Descriptor, options?: OpenOptions & { readonly limit?: number }): Promise<Uint8Array>;
  /** Brings a blob into the store without reading what is there. A reader that cannot is opened and drained instead. */
  ensure?(descriptor: Descriptor, options?: OpenOptions): Promise<void>;
}

export interface OpenOptions {
  readonly signal?: AbortSignal;
}

export interface BlobStream extends AsyncIterable<Uint8Array> {
  /**
   * The path of the blob's file when the store already has all of it; undefined while it must be fetched.
   * A reader of the file must still verify it (law 1).
   */
  readonly path: string | undefined;
}
