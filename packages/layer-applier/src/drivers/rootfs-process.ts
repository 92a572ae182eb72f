import type { ChildProcess } from 'node:child_process';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { BoxEvent, IdMap } from '@boxkit/contracts';
import { killInIdMap, spawnInIdMap } from '@boxkit/linux';
import { fromFailure, workerLost } from './job-failure.ts';
import type { JobReply, JobRequest, RootfsJob } from './rootfs-job.ts';

/** A RootfsWorker that can extract layers too. */
export interface RootfsProcess extends AsyncDisposable {
  /** Rejects with the job's BoxError, or when the process dies. `emit` gets its events. */
  run<Result = void>(job: RootfsJob, emit?: (event: BoxEvent) => void): Promise<Result>;
  /** Where the bytes of a blob are written. */
  readonly blob: Writable;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: unknown): void;
  emit: ((event: BoxEvent) => void) | undefined;
}

const workerUrl = new URL(`./rootfs-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/**
 * Starts a process that is root of the user namespace of `idMap` (subordinate ids). It is ended by an abort (a job under
 * way rejects with the signal's reason) and by its disposal.
 */
export function startRootfsProcess(idMap: IdMap, signal: AbortSignal): RootfsProcess {
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
      if ('error' in message) job.reject(fromFailure(message.error));
      else job.resolve(message.result);
    },
    fail: (cause) => failAll(workerLost(cause)),
    close: () => signal.removeEventListener('abort', abort),
  };
}
