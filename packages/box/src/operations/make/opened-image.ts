import type { ChainId, Descriptor, DiffId, ImageConfig, Platform, StoredImage } from '@boxkit/contracts';
import type { ConfigChanges } from '@boxkit/manifest/edit';
import type { AppendOptions, ConfigureOptions, FlattenOptions, SquashOptions } from '../../options.ts';
import type { HistoryStep, ImagePath, PathType } from '../look/image-look.ts';
import type { LayerSource } from './append.ts';

/** One entry of a layer's tar. Plain data. */
export interface LayerFile extends Omit<ImagePath, 'type'> {
  /** A whiteout's `path` is what it hides; an opaque directory hides what lower layers have in it. */
  readonly type: PathType | 'whiteout' | 'opaque';
}

/** One layer of an opened image. */
export interface ImageLayer {
  /** From 0 for the lowest. */
  readonly position: number;
  readonly descriptor: Descriptor;
  readonly diffId: DiffId;
  readonly chainId: ChainId;
  /** The step of the build that made it, when the config tells. */
  readonly createdBy?: string;
  /** What its tar holds, in the tar's order. Read from the layer's index, for which the blob is read through, and so verified, when it has none. */
  entries(): AsyncIterableIterator<LayerFile>;
  /** The blob as it is stored. Throws before its end when digest or size is not the descriptor's. */
  blob(): AsyncIterable<Uint8Array>;
  /** The uncompressed tar. */
  tar(): AsyncIterableIterator<Uint8Array>;
}

/**
 * An image, open to be read and to be made others of; what it leads to stays the same while it is open. Nothing is fetched
 * but its documents until it is asked for. Dispose of it to let `prune` have its blobs.
 */
export interface OpenedImage extends AsyncDisposable {
  /** Under which name it was opened. */
  readonly reference: string;
  readonly platform: Platform;
  readonly manifest: Descriptor;
  readonly config: ImageConfig;
  /** Lowest first. */
  readonly layers: readonly ImageLayer[];
  history(): readonly HistoryStep[];
  /** As `box.append`, of this image. */
  append(layers: readonly LayerSource[], options: AppendOptions): Promise<StoredImage>;
  configure(changes: ConfigChanges, options: ConfigureOptions): Promise<StoredImage>;
  squash(options: SquashOptions): Promise<StoredImage>;
  flatten(options: FlattenOptions): Promise<StoredImage>;
}
