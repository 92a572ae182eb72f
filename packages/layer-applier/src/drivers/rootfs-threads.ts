import { isBoxError } from '@boxkit/contracts';
import { holdWorker } from '../extract/worker-pool.ts';
import { fromFailure, workerLost } from './job-failure.ts';
import type { TreeJob } from './rootfs-job.ts';
import type { RootfsWorker } from './job-runner.ts';

/**
 * Does jobs on trees one after the other, on whichever of the extracting threads is free: a thread of its own would take
 * 70 milliseconds of processor time to start.
 */
export function rootfsThreads(signal: AbortSignal): RootfsWorker {
  let last: Promise<unknown> = Promise.resolve();
  return {
    run<Result>(job: TreeJob) {
      const turn = last.then(() => runOnThread(job, signal) as Promise<Result>);
      last = turn.catch(() => {});
      return turn;
    },
    async [Symbol.asyncDispose]() {
      await last;
    },
  };
}

/** An abort ends the thread: it cannot be told to stop in the middle of a job. */
async function runOnThread(job: TreeJob, signal: AbortSignal): Promise<unknown> {
  const worker = await holdWorker(signal);
  const end = (): void => worker.end();
  signal.addEventListener('abort', end, { once: true });
  try {
    const outcome = await worker.runOnTree(job);
    if (outcome.kind === 'result') return outcome.result;
    throw fromFailure(outcome.error);
  } catch (error) {
    signal.throwIfAborted();
    throw isBoxError(error) ? error : workerLost(error);
  } finally {
    signal.removeEventListener('abort', end);
    worker.release();
  }
}
