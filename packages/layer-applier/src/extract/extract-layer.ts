import type { ExtractOptions, StagedLayer } from '../staged-layer.ts';

/**
 * Extracts one layer into `<directory>/tree` and writes `<directory>/index`, in a worker thread, while the blob still
 * arrives. Verifies digest, size and diffID in the same pass; resolves only when all three fit and the tree is complete.
 * Throws ERR_BOX_LAYER_INVALID, _UNSAFE, _UNSUPPORTED, ERR_BOX_DIFFID_MISMATCH, ERR_BOX_DIGEST_MISMATCH,
 * ERR_BOX_SIZE_MISMATCH, ERR_BOX_BUDGET_EXCEEDED, ERR_BOX_STORE_FULL, ERR_BOX_EXTRACT_FAILED, or the signal's reason.
 */
export async function extractLayer(options: ExtractOptions): Promise<StagedLayer> {
  await Promise.resolve();
  throw new Error(`not built yet: ${options.directory}`);
}
