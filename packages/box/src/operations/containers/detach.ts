import { type ChildProcess, spawn } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import { fileURLToPath } from 'node:url';
import { BoxError } from '@boxkit/contracts';
import { parseRestartPolicy } from '@boxkit/launcher';
import type { Cancellable } from '../../options.ts';
import type { Machine } from '../machine.ts';
import type { DetachedOptions, DetachTarget, SupervisorMessage, SupervisorRequest } from './supervisor-protocol.ts';
import type { DetachedContainer } from './types.ts';

/** Stands beside this one, as source or built; a bundle keeps both in one directory. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? './supervisor-worker.ts' : './supervisor-worker.js',
  import.meta.url,
);

/** Starts a supervisor, and resolves when the command runs in its container. Rejects with what kept it from that. */
export async function detach(
  target: DetachTarget,
  { signal, ...options }: DetachedOptions & Cancellable,
  machine: Machine,
): Promise<DetachedContainer> {
  signal?.throwIfAborted();
  parseRestartPolicy(options.restart ?? 'no');
  if (machine.pluginModules === undefined) {
    throw new BoxError('ERR_BOX_USAGE', 'cannot detach a container: its supervisor could not load the plugins', {
      hint: 'Give createBox the modules that they come from as `pluginModules`.',
    });
  }
  const { store, config, pluginModules } = machine;
  const supervisor = startSupervisor();
  const onAbort = (): void => void supervisor.kill('SIGTERM');
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const request: SupervisorRequest = { home: store.home, config, pluginModules, target, options };
    return await started(supervisor, request, machine, signal);
  } finally {
    signal?.removeEventListener('abort', onAbort);
    if (supervisor.connected) supervisor.disconnect();
    supervisor.unref();
  }
}

function startSupervisor(): ChildProcess {
  const compiled = getCompileCacheDir();
  return spawn(process.execPath, [fileURLToPath(workerFile)], {
    // a session of its own: it outlives the caller's terminal
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
    env: { ...process.env, ...(compiled === undefined ? {} : { NODE_COMPILE_CACHE: compiled }) },
  });
}

function started(
  supervisor: ChildProcess,
  request: SupervisorRequest,
  machine: Machine,
  signal: AbortSignal | undefined,
): Promise<DetachedContainer> {
  return new Promise((resolve, reject) => {
    let failure: BoxError | undefined;
    supervisor.on('error', reject);
    supervisor.on('message', (message: SupervisorMessage) => {
      if (message.type === 'event') {
        machine.emit(message.event);
      } else if (message.type === 'failed') {
        const { code, message: text, ...others } = message.error;
        failure = new BoxError(code, text, others);
      } else {
        const { type: _type, ...container } = message;
        resolve(container);
      }
    });
    // It has cleaned up when it ends, so that is what a failure waits for.
    supervisor.on('exit', (code, by) => {
      const how = by ?? `status ${code}`;
      if (signal?.aborted === true) reject(signal.reason as Error);
      else
        reject(failure ?? new BoxError('ERR_BOX_LAUNCH_FAILED', `the supervisor of the container ended with ${how}`));
    });
    supervisor.send(request, (error) => {
      if (error !== null && failure === undefined) supervisor.kill();
    });
  });
}
