import type { RemoveTree } from './remove-tree.ts';
import type { Layout } from './layout.ts';
import type { Lease } from './lease.ts';

/** What the parts of one open store share. */
export interface Session {
  readonly layout: Layout;
  readonly lease: Lease;
  readonly removeTree: RemoveTree;
  /** Paths of trees that count as absent. */
  readonly distrusted: Set<string>;
  /** Called before the first write: removes, in the background, what processes that died left in `tmp/`. */
  writing(): void;
}
