import { parentPort, workerData } from 'node:worker_threads';
import { clearThreadUmask, close } from '@boxkit/linux';
import { listThrough } from '../blob-tree/list-entries.ts';
import { digestThrough } from '../contents/digest-through.ts';
import { RingInput, RingSource, RingStopped } from '../decode/byte-ring.ts';
import type { ChannelInput } from '../decode/tar-channel.ts';
import { FileInput } from '../decode/file-input.ts';
import type { HashedInput } from '../decode/tar-input.ts';
import { inflateWhole, WholeInput } from '../decode/whole-blob.ts';
import { sourceOf, ZstdInput } from '../decode/zstd-input.ts';
import { toFailure } from '../drivers/job-failure.ts';
import type { TreeJob } from '../drivers/rootfs-job.ts';
import { runTreeJob } from '../drivers/tree-job.ts';
import { indexTar } from '../layer-index/index-tar.ts';
import { ExtractFailure } from './layer-error.ts';
import { LayerExtractor } from './layer-extractor.ts';
import { readThrough } from './read-through.ts';
import { passGate } from './start-gate.ts';
import { Tally } from './tally.ts';
import type { AnyJob, Outcome, TreeOutcome } from './worker-protocol.ts';

/** The entry point of an extracting thread: takes one job at a time and runs it without returning to its event loop. */
const port = parentPort;
if (port === null) throw new Error('layer-worker runs as a worker thread only');

// At once, and not with the first job: it loads koffi, which a thread that was started ahead has the time for.
const exactModes = passGate((workerData as { readonly gate: Int32Array }).gate, clearThreadUmask) ?? false;

port.on('message', (job: AnyJob | TreeJob) => {
  if (!('input' in job)) {
    void runOnTree(job).then((outcome) => port.postMessage(outcome));
    return;
  }
  const outcome = run(job, exactModes);
  port.postMessage(outcome, outcome.kind === 'listed' ? outcome.entries.map(({ buffer }) => buffer) : []);
});

async function runOnTree(job: TreeJob): Promise<TreeOutcome> {
  try {
    return { kind: 'result', result: await runTreeJob(job) };
  } catch (error) {
    return { kind: 'error', error: toFailure(error) };
  }
}

function run(job: AnyJob, exactModes: boolean): Outcome {
  const stop = new Int32Array(job.stop);
  const checkStop = (): void => {
    if (Atomics.load(stop, 0) !== 0) throw new RingStopped();
  };
  const tally = new Tally(job.budgets, job.compressed);
  let input: HashedInput | undefined;
  try {
    input = openInput(job.input, job.algorithm, (count) => {
      checkStop();
      tally.tarBytes(count);
    });
    if (input === undefined) return { kind: 'too-large' };
    if ('list' in job) {
      const entries = listThrough(input, tally, checkStop);
      return { kind: 'listed', entries, digest: input.digest() };
    }
    if ('index' in job) {
      indexTar(input, tally, { path: job.index, diffId: job.diffId, onEntry: checkStop });
      return { kind: 'indexed', digest: input.digest() };
    }
    if ('contents' in job) {
      const digests = digestThrough(input, job.contents, { tally, onEntry: checkStop });
      return { kind: 'digested', digests, digest: input.digest() };
    }
    if (!('options' in job)) {
      const entries = readThrough(input, tally, checkStop);
      return { kind: 'read', entries, bytes: input.offset, digest: input.digest() };
    }
    const extractor = new LayerExtractor(input, tally, { ...job.options, exactModes, onEntry: checkStop });
    const summary = extractor.run(job.diffId);
    return { kind: 'done', summary, digest: input.digest() };
  } catch (error) {
    return failure(error);
  } finally {
    input?.close();
    if (job.input.kind === 'pipe') close(job.input.fd);
  }
}

function openInput(input: ChannelInput, algorithm: string, check: (received: number) => void): HashedInput | undefined {
  switch (input.kind) {
    case 'ring':
      return input.compression === 'zstd'
        ? new ZstdInput(new RingSource(input.ring), algorithm, check)
        : new RingInput(input.ring, algorithm, check);
    case 'pipe':
      return new FileInput(input.fd, algorithm, check);
    case 'blob': {
      if (input.compression === 'zstd') return new ZstdInput(sourceOf(input.bytes), algorithm, check);
      const tar = inflateWhole(input.bytes, input.compression);
      return tar && new WholeInput(tar, algorithm, check);
    }
  }
}

function failure(error: unknown): Outcome {
  if (error instanceof RingStopped) return { kind: 'stopped' };
  if (error instanceof ExtractFailure) {
    const { code, message, hint, fields } = error;
    return { kind: 'failed', code, reason: message, hint, fields };
  }
  const { message, code, stack } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return {
      kind: 'failed',
      code: 'ERR_BOX_STORE_FULL',
      reason: message,
      hint: 'Free space on the file system of the store.',
      fields: { errno: code },
    };
  }
  const known = typeof code === 'string' && /^E[A-Z0-9]+$/.test(code);
  return {
    kind: 'failed',
    code: known ? 'ERR_BOX_EXTRACT_FAILED' : 'ERR_BOX_INTERNAL',
    reason: known ? message : (stack ?? message),
    hint: undefined,
    fields: known ? { errno: code } : {},
  };
}
