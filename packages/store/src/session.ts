import type { ContainerRecord } from './container-record.ts';
import type { RemoveTree } from './remove-tree.ts';
import type { Layout } from './layout.ts';
import type { Lease } from './lease.ts';

/** Ends what still runs of a container whose owner died and which was not to be kept: nothing finds it once its directory is gone. */
export type EndForsaken = (record: ContainerRecord) => Promise<void>;

/** What the parts of one open store share. */
export interface Session {
  readonly layout: Layout;
  readonly lease: Lease;
  readonly removeTree: RemoveTree;
  readonly endForsaken: EndForsaken;
  /** Paths of trees that count as absent. */
  readonly distrusted: Set<string>;
  /** Called before the first write: removes, in the background, what processes that died left in `tmp/`. */
  writing(): void;
}
