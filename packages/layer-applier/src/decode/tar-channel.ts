import type { ByteRing } from './byte-ring.ts';
import type { Compression } from './compression.ts';

/** Where a worker finds the tar. */
export type ChannelInput =
  /** Shared memory, see ByteRing; what comes through it is a tar, or the worker decompresses it. */
  | { readonly kind: 'ring'; readonly ring: ByteRing; readonly compression: 'none' | 'zstd' }
  /** The reading end of a pipe, which the worker closes. */
  | { readonly kind: 'pipe'; readonly fd: number }
  /** The blob itself, so small that the worker inflates it. */
  | { readonly kind: 'blob'; readonly bytes: Uint8Array; readonly compression: Compression };

/** The way of a tar from the blob to the thread that extracts it: what decompresses, and what carries. */
export interface TarChannel {
  readonly input: ChannelInput;
  /** Consumes the blob: `start` has been read from `chunks` already. Throws for damage; resolves early when halted. */
  feed(start: Uint8Array, chunks: AsyncIterator<Uint8Array>): Promise<void>;
  /** Makes both ends give up. Safe to call again, and after the end. */
  halt(): void;
}
