import type { PruneResult } from '@boxkit/store';
import type { PruneOptions } from '../options.ts';
import { removeLeftovers } from './containers/leftovers.ts';
import type { Machine } from './machine.ts';

/** Removes what nothing needs: of the store, and of the kernel what containers left that were killed. */
export async function prune(options: PruneOptions, machine: Machine): Promise<PruneResult> {
  const { store } = machine;
  // Before the store forgets them.
  if (options.dryRun !== true) await removeLeftovers(store);
  return store.prune({ ...options, emit: (event) => machine.emit(event) });
}
