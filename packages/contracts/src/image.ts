import type { BlobReader } from './blob.ts';
import type { Descriptor, Platform } from './descriptor.ts';
import type { ChainId, DiffId, Digest } from './digest.ts';
import type { Reference } from './reference.ts';

/** What `fetch` hands on: the root document of a reference and a reader for all that hangs below it. */
export interface FetchedImage {
  readonly reference: Reference;
  /** The root: an index or a manifest. */
  readonly descriptor: Descriptor;
  readonly blobs: BlobReader;
  /** The platform the caller asked for; this machine's when absent. */
  readonly platform?: Platform;
}

/** One layer of an image, lowest first. */
export interface Layer {
  readonly descriptor: Descriptor;
  readonly diffId: DiffId;
  /** Names this layer applied upon all that lie below it. */
  readonly chainId: ChainId;
}

/** What `readManifest` hands on: one image for one platform. */
export interface Image {
  readonly reference: Reference;
  /** The descriptor that the reference resolved to; an index for a multi-platform image. */
  readonly root: Descriptor;
  /** The descriptor of the chosen manifest; equal to `root` when there was no index. */
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  readonly platform: Platform;
  readonly layers: readonly Layer[];
  readonly imageConfig: ImageConfig;
  readonly blobs: BlobReader;
  /** Every index and manifest from `root` to `manifest`. */
  readonly documents?: readonly Descriptor[];
  /** The platform that the manifest was chosen for; its own may be an older variant. */
  readonly requested?: Platform;
}

/** The image configuration; unknown fields are kept. OCI image-spec, config.md. */
export interface ImageConfig {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly 'os.version'?: string;
  readonly created?: string;
  readonly author?: string;
  readonly config?: ProcessConfig;
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly DiffId[] };
  readonly history?: readonly HistoryEntry[];
  readonly [unknown: string]: unknown;
}

/** How a container of the image runs unless its caller says otherwise. Null and absent mean the same. */
export interface ProcessConfig {
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly Env?: readonly string[] | null;
  readonly User?: string;
  readonly WorkingDir?: string;
  readonly StopSignal?: string;
  readonly Volumes?: Readonly<Record<string, object>> | null;
  readonly ExposedPorts?: Readonly<Record<string, object>> | null;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly [unknown: string]: unknown;
}

/** One step of the build that made the image. */
export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  /** True when the step made no layer. */
  readonly empty_layer?: boolean;
}

/** An image that the store keeps under a name. */
export interface StoredImage {
  readonly reference: string;
  readonly root: Descriptor;
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  readonly platform: Platform;
  /** As in Image; what lets a stored image be used again without choosing anew. */
  readonly requested?: Platform;
  readonly documents?: readonly Descriptor[];
  /** Every blob the image needs, for garbage collection. */
  readonly blobs: readonly Digest[];
  readonly layers: readonly Layer[];
  /**
   * The configuration, as it was verified and validated when the image got this name, unless it is very large: what a start
   * reads it from instead of the blob.
   */
  readonly imageConfig?: ImageConfig;
  /** Bytes of all blobs. */
  readonly size: number;
  /** ISO 8601, when the name was last moved. */
  readonly updated: string;
}
