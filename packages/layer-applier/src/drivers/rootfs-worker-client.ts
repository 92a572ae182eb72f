import type { ChildProcess } from 'node:child_process';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { BoxError, type BoxEvent, type ErrorCode, type IdMap } from '@boxkit/contracts';
import { killInIdMap, spawnInIdMap } from '@boxkit/linux';
import type { JobFailure, JobReply, JobRequest, RootfsJob } from './rootfs-job.ts';

/** Something that does jobs in order, away from the main thread. */
export interface RootfsWorker extends AsyncDisposable {
  /** Rejects with the job's BoxError, or when the worker dies. `emit` gets its events. */
  run<Result = void>(job: RootfsJob, emit?: (event: BoxEvent) => void): Promise<Result>;
  /** Where the bytes of a blob are written, in a process. */
  readonly blob: Writable | undefined;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: unknown): void;
  emit: ((event: BoxEvent) => void) | undefined;
}

const workerUrl = new URL(`./rootfs-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/**
 * Starts a worker: a thread of this process, or a process that is root of a user namespace when `idMap` has
 * subordinate ids. It is ended by an abort (a job under way rejects with the signal's reason) and by its disposal.
 */
export function startRootfsWorker(idMap: IdMap, signal: AbortSignal): RootfsWorker {
  return idMap.kind === 'subordinate' ? startProcess(idMap, signal) : startThread(signal);
}

/** A worker that is started by its first use. */
export function lazyRootfsWorker(
  idMap: IdMap,
  signal: AbortSignal,
): AsyncDisposable & { get(this: void): RootfsWorker } {
  let worker: RootfsWorker | undefined;
  return {
    get: () => (worker ??= startRootfsWorker(idMap, signal)),
    async [Symbol.asyncDispose]() {
      await worker?.[Symbol.asyncDispose]();
    },
  };
}

function startThread(signal: AbortSignal): RootfsWorker {
  // Descriptors are opened by system calls of our own, which Node does not keep account of.
  const worker = new Worker(workerUrl, { trackUnmanagedFds: false });
  const jobs = jobTable(
    (request) => worker.postMessage(request),
    signal,
    () => void worker.terminate(),
  );
  worker.on('message', (message: JobReply) => jobs.receive(message));
  worker.on('error', (error) => jobs.fail(error));
  worker.on('exit', (code) => jobs.fail(new Error(`the worker ended with status ${code}`)));
  return {
    run: async (job, emit) => jobs.run(job, emit),
    blob: undefined,
    async [Symbol.asyncDispose]() {
      jobs.close();
      await worker.terminate();
    },
  };
}

function startProcess(idMap: IdMap, signal: AbortSignal): RootfsWorker {
  const child = spawnInIdMap(idMap, [process.execPath, fileURLToPath(workerUrl)], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc', 'pipe'],
    serialization: 'advanced',
  });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-2000)));
  const jobs = jobTable(
    (request) => child.send(request),
    signal,
    () => killInIdMap(child),
  );
  child.on('message', (message) => jobs.receive(message as JobReply));
  child.on('error', (error) => jobs.fail(error));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.on('close', (code, by) =>
    jobs.fail(new Error(`the process in the user namespace ended (${by ?? `status ${code}`}): ${said.trim()}`)),
  );
  const blob = child.stdio[4] as Writable;
  // A process that is ended no longer reads; its job says why.
  blob.on('error', () => {});
  return {
    run: async (job, emit) => jobs.run(job, emit),
    blob,
    [Symbol.asyncDispose]: () => endProcess(child, jobs, ended),
  };
}

async function endProcess(child: ChildProcess, jobs: JobTable, ended: Promise<void>): Promise<void> {
  jobs.close();
  killInIdMap(child);
  if (child.pid !== undefined) await ended;
}

interface JobTable {
  run<Result>(job: RootfsJob, emit?: (event: BoxEvent) => void): Promise<Result>;
  receive(message: JobReply): void;
  fail(cause: unknown): void;
  close(): void;
}

/** Matches replies with requests; after a failure every job rejects. */
function jobTable(send: (request: JobRequest) => void, signal: AbortSignal, end: () => void): JobTable {
  const waiting = new Map<number, Waiting>();
  let sequence = 0;
  let failure: unknown;
  const failAll = (error: unknown): void => {
    failure ??= error;
    for (const job of waiting.values()) job.reject(failure);
    waiting.clear();
  };
  const abort = (): void => {
    failAll(signal.reason);
    end();
  };
  signal.addEventListener('abort', abort, { once: true });
  return {
    run: <Result>(job: RootfsJob, emit?: (event: BoxEvent) => void) =>
      new Promise<Result>((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        if (failure !== undefined) return reject(failure);
        sequence += 1;
        waiting.set(sequence, { resolve: (result) => resolve(result as Result), reject, emit });
        send({ sequence, job });
      }),
    receive(message) {
      const job = waiting.get(message.sequence);
      if (job === undefined) return;
      if ('event' in message) return job.emit?.(message.event);
      waiting.delete(message.sequence);
      if ('error' in message) job.reject(revive(message.error));
      else job.resolve(message.result);
    },
    fail(cause) {
      failAll(
        new BoxError('ERR_BOX_EXTRACT_FAILED', `cannot put the rootfs together: ${String(cause)}`, {
          cause,
          hint: 'Try again; if it happens again, this is a fault of box: please report it.',
        }),
      );
    },
    close: () => signal.removeEventListener('abort', abort),
  };
}

function revive({ code, message, hint, fields }: JobFailure): BoxError {
  return new BoxError((code ?? 'ERR_BOX_INTERNAL') as ErrorCode, message, {
    ...(hint === undefined ? {} : { hint }),
    ...(fields === undefined ? {} : { fields }),
  });
}
