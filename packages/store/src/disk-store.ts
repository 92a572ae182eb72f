import type { Store } from '@boxkit/contracts';
import type { DiskBlobStore } from './blob-store.ts';
import type { DiskContainerTable } from './container-table.ts';
import type { FsckOptions, FsckResult } from './fsck-result.ts';
import type { DiskImageTable } from './image-table.ts';
import type { PruneOptions, PruneResult } from './prune-result.ts';

/** The store on a disk. Disposing of it gives up what it relied on and waits for its own clean-up. */
export interface DiskStore extends Store, AsyncDisposable {
  readonly blobs: DiskBlobStore;
  readonly images: DiskImageTable;
  readonly containers: DiskContainerTable;
  /**
   * The same store with a lease of its own, for one piece of work in a program that lasts: what it found is kept until
   * it is disposed of. Costs nothing until it is asked for something.
   */
  scope(): DiskStore;
  /**
   * Removes what no image, container or running process needs. Safe while others pull and run, in other processes and
   * in other scopes; what this very store found before is no reason to keep it.
   */
  prune(options?: PruneOptions): Promise<PruneResult>;
  /** Verifies everything again. */
  fsck(options?: FsckOptions): Promise<FsckResult>;
}
