import type { BoxEvent } from '@boxkit/contracts';
import type { Leftovers } from './fsck-leftovers.ts';
import type { TreeKind } from './tree-kind.ts';

export interface FsckOptions {
  /** Remove what is damaged; else only say so. */
  readonly repair?: boolean;
  /** Verifies an extracted tree; gives what is wrong with it, in words. Trees are only looked for when absent. */
  readonly verifyTree?: (kind: TreeKind, path: string) => Promise<string | undefined>;
  readonly signal?: AbortSignal;
  readonly emit?: (event: BoxEvent) => void;
}

export interface FsckResult {
  readonly checked: {
    readonly blobs: number;
    /** Of the blobs. */
    readonly bytes: number;
    readonly trees: number;
    readonly images: number;
    readonly containers: number;
    readonly volumes: number;
  };
  /** Empty for a sound store. */
  readonly problems: readonly FsckProblem[];
  /** All that has a problem was removed. */
  readonly repaired: boolean;
  /** What killed processes left: no problems. */
  readonly leftovers: Leftovers;
}

/** Something damaged; to repair it is to remove it, for a pull to bring back. Plain data. */
export interface FsckProblem {
  readonly kind: 'blob' | 'layer' | 'layer-index' | 'rootfs' | 'image' | 'container' | 'volume' | 'unknown';
  readonly name: string;
  /** What would be removed. */
  readonly path: string;
  readonly problem: string;
  /** It holds files that no pull brings back, a container's or a volume's: a repair leaves it. */
  readonly irreplaceable?: true;
}
