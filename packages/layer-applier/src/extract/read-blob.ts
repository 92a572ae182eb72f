import { readBlobFile } from '../decode/blob-file.ts';
import { openChannel } from '../decode/channel.ts';
import type { ChannelInput, TarChannel } from '../decode/tar-channel.ts';
import { detectCompression, readMagic, type Compression } from '../decode/compression.ts';
import { isWhole } from '../decode/whole-blob.ts';
import { holdWorker } from './worker-pool.ts';
import type { ExtractOptions } from '../staged-layer.ts';
import type { AnyJob, Outcome } from './worker-protocol.ts';
import { LayerProgress } from './progress.ts';

/** What a layer's blob comes from, and who is told of it. */
export type BlobOptions = Pick<ExtractOptions, 'layer' | 'stream' | 'signal' | 'emit' | 'budgets'>;

/** What the worker is to do with the tar. */
export type MakeJob = (input: ChannelInput, stop: SharedArrayBuffer) => AnyJob;

type Chunks = AsyncIterator<Uint8Array>;

/**
 * Has a worker read a blob while it arrives, and verifies the blob. Throws what the blob's reader throws, and the
 * worker's outcome when it failed. The caller checks the diffID.
 */
export async function readBlob(options: BlobOptions, makeJob: MakeJob): Promise<Outcome> {
  const { layer, stream, signal } = options;
  signal.throwIfAborted();
  const source = stream.path === undefined ? stream : readBlobFile(stream.path, layer.descriptor, signal);
  const progress = new LayerProgress(options);
  const chunks = progress.watch(source[Symbol.asyncIterator]());
  try {
    const start = await readMagic(chunks);
    const compression = await magicOf(start, chunks);
    signal.throwIfAborted();
    const outcome = isWhole(compression, layer.descriptor.size)
      ? await readWhole({ ...options, start: await collect(start, chunks), chunks, compression }, makeJob)
      : await readStream({ ...options, start, chunks, compression }, makeJob);
    signal.throwIfAborted();
    progress.end();
    return outcome;
  } finally {
    // Not awaited: a source that waits for the network would hold up the error.
    chunks.return?.().catch(() => {});
  }
}

async function magicOf(start: Uint8Array, chunks: Chunks): Promise<Compression> {
  try {
    return detectCompression(start);
  } catch (error) {
    throw await truer(error, chunks);
  }
}

/** All of a blob that is small by its descriptor, which its reader compares it with. */
async function collect(start: Uint8Array, chunks: Chunks): Promise<Uint8Array> {
  // Copied: a chunk may be reused, or be a part of a far bigger buffer, all of which would go to the thread.
  const parts = [Uint8Array.from(start)];
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
    parts.push(Uint8Array.from(next.value));
  }
  return parts.length === 1 ? (parts[0] as Uint8Array) : Uint8Array.from(Buffer.concat(parts));
}

async function readWhole(blob: StreamedBlob, makeJob: MakeJob): Promise<Outcome> {
  const { start: bytes, compression, signal } = blob;
  const outcome = await runWhole({ kind: 'blob', bytes, compression }, signal, makeJob);
  return outcome.kind === 'too-large' ? readStream(blob, makeJob) : outcome;
}

async function runWhole(input: ChannelInput, signal: AbortSignal, makeJob: MakeJob): Promise<Outcome> {
  const worker = await holdWorker(signal);
  const stop = new SharedArrayBuffer(4);
  const halt = (): void => raise(stop);
  signal.addEventListener('abort', halt, { once: true });
  try {
    return await worker.run(makeJob(input, stop));
  } finally {
    signal.removeEventListener('abort', halt);
    worker.release();
  }
}

interface StreamedBlob extends BlobOptions {
  /** Has been read from `chunks` already. */
  readonly start: Uint8Array;
  readonly chunks: Chunks;
  readonly compression: Compression;
}

async function readStream(
  { layer, stream, signal, start, chunks, compression }: StreamedBlob,
  makeJob: MakeJob,
): Promise<Outcome> {
  const worker = await holdWorker(signal);
  const stop = new SharedArrayBuffer(4);
  let channel: TarChannel | undefined;
  const halt = (): void => {
    raise(stop);
    channel?.halt();
  };
  signal.addEventListener('abort', halt, { once: true });
  try {
    channel = openChannel(compression, layer.descriptor.size, stream.path, worker.memory);
    const extraction = worker.run(makeJob(channel.input, stop));
    const feeding = channel.feed(start, chunks);
    const [fed, outcome] = await Promise.all([settled(feeding, halt), settled(extraction, halt)]);
    signal.throwIfAborted();
    if ('error' in fed) throw await truer(fed.error, chunks);
    if ('error' in outcome) throw outcome.error;
    if (outcome.value.kind === 'failed') throw await truer(outcome.value, chunks);
    return outcome.value;
  } finally {
    halt();
    signal.removeEventListener('abort', halt);
    worker.release();
  }
}

function raise(stop: SharedArrayBuffer): void {
  Atomics.store(new Int32Array(stop), 0, 1);
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
async function truer(error: unknown, chunks: Chunks): Promise<unknown> {
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
