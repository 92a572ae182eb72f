import type { DiffId, Layer } from '@boxkit/contracts';

/** A layer of an image, by the index of its entries alone. */
export interface IndexedLayer {
  readonly layer: Layer;
  readonly diffId: DiffId;
  /** Its place in the image, from 0 for the lowest. */
  readonly position: number;
  /** Absolute path of the directory that its index is in. */
  readonly directory: string;
  /** Absolute path of the index. */
  readonly index: string;
}
