import type { Descriptor } from './descriptor.ts';
import type { Digest } from './digest.ts';
import type { Image } from './image.ts';
import type { Reference } from './reference.ts';
import type { SourceStream } from './source.ts';
import type { StageContext } from './stage.ts';

/**
 * A place that images go to: the counterpart of ImageSource. Reading, verifying and choosing a platform are done once, by
 * box, for every destination; this only writes.
 */
export interface ImageDestination {
  /** What stands before the colon of a reference: `docker`, `oci-archive`. That of a source when it can be read back. */
  readonly scheme: string;
  /** One line for the help and for errors. */
  readonly description: string;
  /** Whether several images fit in one write, as `docker save` does it. */
  readonly holdsMany?: boolean;
  /** Brings a location to its normal form, or throws ERR_BOX_REFERENCE_INVALID. The default keeps it. */
  normalize?(location: string): string;
  /**
   * Writes images, skipping blobs that are there. No name there leads to an image before all of it is there; when this
   * throws, what was there is as it was. Emits `blob-progress` for each blob, 0 and the final size at least.
   */
  write(images: readonly OutgoingImage[], reference: Reference, context: DestinationContext): Promise<void>;
}

/** A manifest or an index with its bytes. */
export interface OutgoingDocument {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** An image on its way out: documents at hand, blobs to be opened. */
export interface OutgoingImage {
  /** Where it comes from. */
  readonly reference: Reference;
  /** The names it has there, for a destination whose reference gives none: `docker.io/library/alpine:3.20`. */
  readonly names: readonly string[];
  /** What a name is to lead to: the manifest of one platform, or the index of all. */
  readonly root: Descriptor;
  /** Every index and manifest, each after those that it names; the root is the last. */
  readonly documents: readonly OutgoingDocument[];
  /** Configs and layers, each once, in the order of their manifests. */
  readonly blobs: readonly Descriptor[];
  /** The image, when it is of one platform; undefined for an index that goes whole. */
  readonly image?: Image;
  /** Repositories (`host/path`) that are known to have a blob, so that a registry may take it from there. */
  heldAt(digest: Digest): readonly string[];
  /**
   * The bytes of a blob from `offset` (default 0). Verified: the iterable throws instead of ending when size or digest
   * of the whole is wrong. `startedAt` is `offset`.
   */
  open(descriptor: Descriptor, options: OpenOutgoingOptions): Promise<SourceStream>;
}

export interface OpenOutgoingOptions {
  /** Bytes to leave out at the start. */
  readonly offset?: number;
  readonly signal: AbortSignal;
  /** Whether the caller is done with each chunk when it asks for the next, so that its memory may be used again. */
  readonly lent?: boolean;
}

export interface DestinationContext extends StageContext {
  /** Blobs written at the same time, where that is possible. */
  readonly concurrency?: number;
  /** Whether to fail where the destination's form would need other manifests, and so other digests, than the image has. */
  readonly preserveDigests?: boolean;
}
