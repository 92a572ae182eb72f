import { createReadStream } from 'node:fs';
import type { BlobStream, BoxEvent } from '@boxkit/contracts';
import { createBudgets } from '../extract/budgets.ts';
import { extractLayer } from '../extract/extract-layer.ts';
import type { RootfsJob } from './rootfs-job.ts';
import { runTreeJob } from './tree-job.ts';

/** The descriptor over which a process is sent the bytes of a blob. */
export const blobDescriptor = 4;

/** Does one job; what it resolves to is sent back to who asked. */
export async function runJob(job: RootfsJob, emit: (event: BoxEvent) => void): Promise<unknown> {
  if (job.kind !== 'extract') return runTreeJob(job);
  const budgets = createBudgets(job.options.limits);
  const staged = await extractLayer({
    ...job.options,
    budgets,
    stream: blobStream(job.path),
    signal: new AbortController().signal,
    emit,
  });
  const [bytes, entries] = new BigInt64Array(budgets.spent);
  return { staged, spent: [bytes, entries] };
}

function blobStream(path: string | undefined): BlobStream {
  // Nothing is read before the iteration starts: extraction reads the file by itself when there is one.
  return {
    path,
    [Symbol.asyncIterator]: () =>
      (path === undefined ? createReadStream('', { fd: blobDescriptor }) : createReadStream(path))[
        Symbol.asyncIterator
      ](),
  };
}
