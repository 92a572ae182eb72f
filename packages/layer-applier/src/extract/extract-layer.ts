import { isAbsolute } from 'node:path';
import { BoxError, digestParts, isBoxError } from '@boxkit/contracts';
import { stagedLayer } from '../layer-index/read-index.ts';
import type { ExtractOptions, StagedLayer } from '../staged-layer.ts';
import { ExtractFailure, LayerError } from './layer-error.ts';
import { readBlob, type BlobOptions, type MakeJob } from './read-blob.ts';
import type { Job, Outcome } from './worker-protocol.ts';

export type { BlobOptions } from './read-blob.ts';

/**
 * Extracts one layer into `<directory>/tree` and writes `<directory>/index`, in a worker thread, while the blob still
 * arrives. Verifies digest, size and diffID in the same pass; resolves only when all three fit and the tree is complete.
 * Emits `layer-progress`; the caller tells of `layer-applied`, and of the warnings, once for an image.
 * Throws ERR_BOX_LAYER_INVALID, _UNSAFE, _UNSUPPORTED, ERR_BOX_DIFFID_MISMATCH, ERR_BOX_DIGEST_MISMATCH,
 * ERR_BOX_SIZE_MISMATCH, ERR_BOX_BUDGET_EXCEEDED, ERR_BOX_STORE_FULL, ERR_BOX_EXTRACT_FAILED, or the signal's reason.
 */
export async function extractLayer(options: ExtractOptions): Promise<StagedLayer> {
  const { directory, layer } = options;
  if (!isAbsolute(directory)) {
    throw new BoxError('ERR_BOX_USAGE', `cannot extract a layer to ${directory}: the path must be absolute`);
  }
  const outcome = await consumeBlob(options, (input, stop) => job(options, input, stop));
  if (outcome.kind !== 'done') throw new Error('unreachable: an extraction was asked for');
  return stagedLayer(layer, directory, outcome.summary);
}

/**
 * Has a worker thread read a layer's blob while it arrives, and verifies digest, size and diffID in the same pass. Throws as
 * extractLayer does.
 */
export async function consumeBlob(options: BlobOptions, makeJob: MakeJob): Promise<Outcome> {
  try {
    const outcome = await readBlob(options, makeJob);
    if ('digest' in outcome) {
      verifyDiffId(options, outcome.digest);
      return outcome;
    }
    throw outcome.kind === 'failed' ? outcome : new Error(`unreachable: nothing asked for ${outcome.kind}`);
  } catch (error) {
    throw explain(error, options);
  }
}

function job(options: ExtractOptions, input: Job['input'], stop: SharedArrayBuffer): Job {
  const { layer, directory, ownership, privileged, whiteouts, budgets } = options;
  return {
    diffId: layer.diffId,
    algorithm: digestParts(layer.diffId).algorithm,
    compressed: layer.descriptor.size,
    input,
    options: {
      directory,
      ownership,
      privileged,
      whiteouts,
      contentDigests: options.contentDigests ?? false,
      strict: options.strict ?? false,
    },
    budgets,
    stop,
  };
}

function verifyDiffId({ layer }: BlobOptions, received: string): void {
  const { algorithm, hex } = digestParts(layer.diffId);
  if (received === hex) return;
  throw new LayerError(
    'ERR_BOX_DIFFID_MISMATCH',
    `cannot use layer ${layer.descriptor.digest}: its tar should have the diffID ${layer.diffId}, but has ${algorithm}:${received}`,
    { layer: layer.descriptor.digest, expected: layer.diffId, received: `${algorithm}:${received}` },
    { hint: 'The image config does not fit its layers; the image was built wrongly or tampered with.' },
  );
}

/** Failures of both sides as errors that name the layer, the entry and the offset. */
function explain(error: unknown, { layer, signal }: BlobOptions): unknown {
  if (signal.aborted) return signal.reason;
  const { digest } = layer.descriptor;
  if (error instanceof ExtractFailure) {
    return layerError(error.code, error.message, error.hint, { layer: digest, ...error.fields });
  }
  if (isBoxError(error)) return error;
  const failed = error as Outcome;
  if (failed.kind === 'failed') {
    return layerError(failed.code, failed.reason, failed.hint, { layer: digest, ...failed.fields });
  }
  return error;
}

function layerError(
  code: LayerError['code'],
  reason: string,
  hint: string | undefined,
  fields: LayerError['fields'],
): LayerError {
  const entry = fields.entry === undefined ? '' : `${JSON.stringify(fields.entry)} of `;
  const at = fields.offset === undefined ? '' : ` (at byte ${fields.offset} of the tar)`;
  return new LayerError(code, `cannot extract ${entry}layer ${fields.layer}: ${reason}${at}`, fields, { hint });
}
