import type { IdMap } from '@boxkit/contracts';
import type { RootfsWorker } from './job-runner.ts';
import { startRootfsProcess } from './rootfs-process.ts';
import { rootfsThreads } from './rootfs-threads.ts';

/**
 * A worker: threads of this process, or a process that is root of a user namespace when `idMap` has subordinate ids.
 * An abort ends what it does (a job under way rejects with the signal's reason), and so does its disposal.
 */
export function startRootfsWorker(idMap: IdMap, signal: AbortSignal): RootfsWorker {
  return idMap.kind === 'subordinate' ? startRootfsProcess(idMap, signal) : rootfsThreads(signal);
}

/**
 * A process that is root of the user namespace of `idMap`, which no mode closes a directory to, be its user's own id the
 * only one; threads where this user is root.
 */
export function startPrivilegedWorker(idMap: IdMap, signal: AbortSignal): RootfsWorker {
  return idMap.kind === 'host' ? rootfsThreads(signal) : startRootfsProcess(idMap, signal);
}

/** A privileged worker that is started by its first use. */
export function lazyRootfsWorker(
  idMap: IdMap,
  signal: AbortSignal,
): AsyncDisposable & { get(this: void): RootfsWorker } {
  let worker: RootfsWorker | undefined;
  return {
    get: () => (worker ??= startPrivilegedWorker(idMap, signal)),
    async [Symbol.asyncDispose]() {
      await worker?.[Symbol.asyncDispose]();
    },
  };
}
