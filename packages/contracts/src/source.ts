import type { Descriptor, Platform } from './descriptor.ts';
import type { StageContext } from './stage.ts';
import type { Reference } from './reference.ts';

/**
 * A place that images come from. Fetching is only this: name the root document, then give bytes.
 * Verification, storing, resuming and sharing between readers are done once, by box, for every source.
 */
export interface ImageSource {
  /** What stands before the colon of a reference: `docker`, `oci`, `host`. */
  readonly scheme: string;
  /** One line for `box doctor` and the help. */
  readonly description: string;
  /** Whether a reference without a scheme means this source (a path that exists, say). Asked in order of registration. */
  detect?(text: string): boolean;
  /** Brings a location to its normal form, or throws ERR_BOX_REFERENCE_INVALID. The default keeps it. */
  normalize?(location: string): string;
  /** Finds the root document. Throws ERR_BOX_IMAGE_NOT_FOUND and its kin; never returns unverified content. */
  resolve(reference: Reference, context: SourceContext): Promise<ResolvedImage>;
}

/** One reference, found: what it points to, and access to the bytes below it. Disposed when the pull ends. */
export interface ResolvedImage extends AsyncDisposable {
  readonly descriptor: Descriptor;
  /**
   * The bytes of a blob from `offset` (bytes, default 0). A source that cannot start in the middle may start
   * at 0 and must say so through `startedAt`. Bytes need not be verified here.
   */
  open(
    descriptor: Descriptor,
    options: { readonly offset?: number; readonly signal: AbortSignal },
  ): Promise<SourceStream>;
}

export interface SourceStream extends AsyncIterable<Uint8Array> {
  /** The offset, in bytes, that the first chunk has in the blob. */
  readonly startedAt: number;
}

export interface SourceContext extends StageContext {
  /** The platform asked for, so that a source which makes images can make that one. */
  readonly platform?: Platform;
}
