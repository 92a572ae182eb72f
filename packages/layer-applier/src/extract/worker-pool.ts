import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { ringSize } from '../decode/byte-ring.ts';
import { ExtractFailure } from './layer-error.ts';
import { closeGate, newGate } from './start-gate.ts';
import type { TreeJob } from '../drivers/rootfs-job.ts';
import type { AnyJob, Outcome, TreeOutcome } from './worker-protocol.ts';

/** An extracting thread that the caller holds; give it back with `release`. */
export interface HeldWorker {
  /** Runs one job. Rejects when the thread dies. */
  run(job: AnyJob): Promise<Outcome>;
  /** Runs one job on trees. Rejects when the thread dies. */
  runOnTree(job: TreeJob): Promise<TreeOutcome>;
  /** Shared memory for the bytes of a job: made when first asked for, and the same for each job of this thread. */
  memory(this: void): SharedArrayBuffer;
  /** Ends the thread, whatever it does: its job rejects. */
  end(): void;
  release(): void;
}

/** A worker's file stands beside this one, as source or built; a bundle keeps both in one directory. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? './layer-worker.ts' : './layer-worker.js',
  import.meta.url,
);

const most = Math.max(2, availableParallelism());
const idle: Worker[] = [];
const waiting: ((worker: Worker) => void)[] = [];
const memories = new WeakMap<Worker, SharedArrayBuffer>();
const gates = new Map<Worker, Int32Array>();
let count = 0;
let watchesExit = false;

/** A thread of the pool, which lives as long as the process and never keeps it alive. Waits for one when all are busy. */
export async function holdWorker(signal: AbortSignal): Promise<HeldWorker> {
  signal.throwIfAborted();
  const worker = idle.pop() ?? (count < most ? startWorker() : await nextFree(signal));
  worker.ref();
  let dead = false;
  const run = <Result>(job: unknown): Promise<Result> => {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const onMessage = (outcome: Result): void => settle(() => resolve(outcome));
    const onError = (error: Error): void => died(`the extracting thread failed: ${error.message}`);
    const onExit = (status: number): void => died(`the extracting thread ended with status ${status}`);
    const died = (reason: string): void => {
      dead = true;
      settle(() => reject(new ExtractFailure('ERR_BOX_EXTRACT_FAILED', reason)));
    };
    const settle = (end: () => void): void => {
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      end();
    };
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
    if (worker.threadId === -1) died('the extracting thread has ended');
    else worker.postMessage(job);
    return promise;
  };
  return {
    run,
    runOnTree: run,
    memory() {
      const known = memories.get(worker) ?? new SharedArrayBuffer(ringSize);
      memories.set(worker, known);
      return known;
    },
    end() {
      // Not for the next holder: it may have done its job just now, and ends only later.
      dead = true;
      closeGateOf(worker);
      void worker.terminate();
    },
    release() {
      if (dead) {
        count--;
        const next = waiting.shift();
        if (next !== undefined) next(startWorker());
        return;
      }
      const next = waiting.shift();
      if (next !== undefined) {
        next(worker);
        return;
      }
      worker.unref();
      idle.push(worker);
    },
  };
}

/**
 * Starts extracting threads ahead of their work, so that they are ready when the first bytes are: each takes some 50
 * milliseconds to load. Does nothing where that many run already; they never keep the process alive.
 */
export function prepareWorkers(wanted: number): void {
  while (count < Math.min(wanted, most)) {
    const worker = startWorker();
    worker.unref();
    idle.push(worker);
  }
}

function startWorker(): Worker {
  count++;
  // The program's own flags (--input-type, --inspect ...) are not the thread's.
  const gate = newGate();
  const worker = new Worker(workerFile, {
    name: 'box layer',
    execArgv: [],
    trackUnmanagedFds: false,
    workerData: { gate },
  });
  // Whatever ends the process ends its threads, be it in the middle of their start.
  if (!watchesExit) process.once('exit', () => [...gates.keys()].forEach(closeGateOf));
  watchesExit = true;
  gates.set(worker, gate);
  worker.once('exit', () => {
    gates.delete(worker);
    const at = idle.indexOf(worker);
    if (at === -1) return;
    idle.splice(at, 1);
    count--;
  });
  // An idle thread that dies is replaced when one is needed.
  worker.on('error', () => {});
  return worker;
}

function closeGateOf(worker: Worker): void {
  const gate = gates.get(worker);
  if (gate !== undefined) closeGate(gate);
}

async function nextFree(signal: AbortSignal): Promise<Worker> {
  const { promise, resolve, reject } = Promise.withResolvers<Worker>();
  const abort = (): void => {
    waiting.splice(waiting.indexOf(resolve), 1);
    reject(signal.reason as Error);
  };
  waiting.push(resolve);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
