import type { BoxEvent } from '@boxkit/contracts';

export interface PruneOptions {
  /** Also drop the names of images that no container was made from. */
  readonly all?: boolean;
  /** Only say what would go. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
  readonly emit?: (event: BoxEvent) => void;
}

export interface PruneResult {
  readonly dryRun: boolean;
  readonly removed: readonly PrunedItem[];
  /** Bytes on the disk of all that was, or would be, removed. */
  readonly bytes: number;
}

export interface PrunedItem {
  readonly kind: 'image' | 'blob' | 'layer' | 'layer-index' | 'rootfs' | 'partial' | 'container' | 'staging';
  /** A reference, digest, diffID, chainID, a container's name, or a file's. */
  readonly name: string;
  /** Bytes on the disk. */
  readonly bytes: number;
}
