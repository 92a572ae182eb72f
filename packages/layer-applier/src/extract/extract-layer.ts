import { isAbsolute } from 'node:path';
import { BoxError, digestParts, isBoxError } from '@boxkit/contracts';
import { readBlobFile } from '../decode/blob-file.ts';
import { openChannel, type TarChannel } from '../decode/channel.ts';
import { detectCompression, readMagic, type Compression } from '../decode/compression.ts';
import { stagedLayer } from '../layer-index/read-index.ts';
import type { ExtractOptions, StagedLayer } from '../staged-layer.ts';
import { ExtractFailure, LayerError } from './layer-error.ts';
import { LayerProgress } from './progress.ts';
import { holdWorker, type HeldWorker } from './worker-pool.ts';
import type { Job, ListJob, Outcome } from './worker-protocol.ts';

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

/** What a layer's blob comes from, and who is told of it. */
export type BlobOptions = Pick<ExtractOptions, 'layer' | 'stream' | 'signal' | 'emit' | 'budgets'>;

/**
 * Has a worker thread read a layer's blob while it arrives, and verifies digest, size and diffID in the same pass. Throws as
 * extractLayer does.
 */
export async function consumeBlob(options: BlobOptions, makeJob: MakeJob): Promise<Outcome> {
  const worker = await holdWorker(options.signal);
  try {
    const outcome = await runWith(worker, options, makeJob);
    if ('digest' in outcome) {
      verifyDiffId(options, outcome.digest);
      return outcome;
    }
    throw outcome.kind === 'stopped' ? new Error('unreachable: nothing stopped the extraction') : outcome;
  } catch (error) {
    throw explain(error, options);
  } finally {
    worker.release();
  }
}

type MakeJob = (input: Job['input'], stop: SharedArrayBuffer) => Job | ListJob;

async function runWith(worker: HeldWorker, options: BlobOptions, makeJob: MakeJob): Promise<Outcome> {
  const { layer, stream, signal } = options;
  const stop = new SharedArrayBuffer(4);
  let channel: TarChannel | undefined;
  const halt = (): void => {
    Atomics.store(new Int32Array(stop), 0, 1);
    channel?.halt();
  };
  signal.addEventListener('abort', halt, { once: true });
  const source = stream.path === undefined ? stream : readBlobFile(stream.path, layer.descriptor, signal);
  const progress = new LayerProgress(options);
  const chunks = progress.watch(source[Symbol.asyncIterator]());
  try {
    const start = await readMagic(chunks);
    const compression = await magicOf(start, chunks);
    signal.throwIfAborted();
    channel = openChannel(compression, layer.descriptor.size, stream.path, worker.memory);
    const extraction = worker.run(makeJob(channel.input, stop));
    const feeding = channel.feed(start, chunks);
    const [fed, outcome] = await Promise.all([settled(feeding, halt), settled(extraction, halt)]);
    signal.throwIfAborted();
    if ('error' in fed) throw await truer(fed.error, chunks);
    if ('error' in outcome) throw outcome.error;
    if (outcome.value.kind === 'failed') throw await truer(outcome.value, chunks);
    progress.end();
    return outcome.value;
  } finally {
    halt();
    signal.removeEventListener('abort', halt);
    // Not awaited: a source that waits for the network would hold up the error.
    chunks.return?.().catch(() => {});
  }
}

async function magicOf(start: Uint8Array, chunks: AsyncIterator<Uint8Array>): Promise<Compression> {
  try {
    return detectCompression(start);
  } catch (error) {
    throw await truer(error, chunks);
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

type Settled<T> = { readonly value: T } | { readonly error: unknown };

/** Waits for one side; when it does not end well the other is halted. */
async function settled<T>(promise: Promise<T>, halt: () => void): Promise<Settled<T>> {
  try {
    const value = await promise;
    if (isOutcome(value) && !('digest' in value)) halt();
    return { value };
  } catch (error) {
    halt();
    return { error };
  }
}

function isOutcome(value: unknown): value is Outcome {
  return typeof value === 'object' && value !== null && 'kind' in value;
}

/**
 * Damaged bytes show first as a bad stream or a bad tar. The truer error is that they are not the bytes that were asked
 * for: read the rest of the blob to see.
 */
async function truer(error: unknown, chunks: AsyncIterator<Uint8Array>): Promise<unknown> {
  const { code } = error as { code?: unknown };
  if (code !== 'ERR_BOX_LAYER_INVALID' && code !== 'ERR_BOX_LAYER_UNSAFE' && code !== 'ERR_BOX_LAYER_UNSUPPORTED') {
    return error;
  }
  try {
    while ((await chunks.next()).done !== true);
  } catch (mismatch) {
    return mismatch;
  }
  return error;
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
