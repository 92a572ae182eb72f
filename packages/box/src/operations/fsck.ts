import type { FsckResult } from '@boxkit/store';
import type { Cancellable } from '../options.ts';
import type { Machine } from './machine.ts';
import { indexProblem } from './fsck-index.ts';
import { layerProblem } from './fsck-layer.ts';
import { rootfsProblem } from './fsck-rootfs.ts';

const verifiers = { layers: layerProblem, indexes: indexProblem, rootfs: async (path: string) => rootfsProblem(path) };

/** Verifies the store: blobs by their digests, extracted layers by their indexes, merged trees by their parts, records by what they name. */
export async function fsck(
  options: Cancellable & { readonly repair?: boolean },
  machine: Machine,
): Promise<FsckResult> {
  const { signal } = options;
  return machine.store.fsck({
    ...options,
    emit: (event) => machine.emit(event),
    verifyTree: async (kind, path) => verifiers[kind](path, signal),
  });
}
