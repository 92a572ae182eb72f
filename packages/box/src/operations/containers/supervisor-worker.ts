import { BoxError, isBoxError, type Plugin } from '@boxkit/contracts';
import { pathToFileURL } from 'node:url';
import { openMachine } from '../../open-machine.ts';
import { openScope } from '../machine.ts';
import { supervise } from './supervise.ts';
import type { FailureData, SupervisorMessage, SupervisorRequest } from './supervisor-protocol.ts';

/*
 * The process that holds one detached container: started by detach.ts with a channel to whoever waits for the start,
 * in a session of its own, with nothing to write to but the container's directory.
 */

process.once('message', (request: SupervisorRequest) => void main(request));

async function main(request: SupervisorRequest): Promise<void> {
  const starting = new AbortController();
  const stopping = new AbortController();
  let started = false;
  process.on('disconnect', () => {
    if (!started) starting.abort(new BoxError('ERR_BOX_ABORTED', 'stopped: whoever waited for the start is gone'));
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (started) stopping.abort();
      else starting.abort(new BoxError('ERR_BOX_ABORTED', `stopped by ${signal}`));
    });
  }
  try {
    const { machine } = await openMachine({
      home: request.home,
      config: request.config,
      plugins: await Promise.all(request.pluginModules.map(loadPlugin)),
      pluginModules: request.pluginModules,
      onEvent: (event) => tell({ type: 'event', event }),
    });
    await using scope = openScope(machine, { signal: starting.signal });
    await supervise({
      target: request.target,
      options: request.options,
      scope,
      stopping: stopping.signal,
      onStart(container) {
        started = true;
        tell({ type: 'started', ...container });
        process.disconnect();
        // Whatever directory the caller was in may go.
        process.chdir('/');
      },
    });
  } catch (error) {
    process.exitCode = 1;
    tell({ type: 'failed', error: failureOf(error) });
  }
  if (process.connected) process.disconnect();
}

function tell(message: SupervisorMessage): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

async function loadPlugin(module: string): Promise<Plugin> {
  return ((await import(pathToFileURL(module).href)) as { readonly default: Plugin }).default;
}

function failureOf(error: unknown): FailureData {
  if (isBoxError(error)) return error.toJSON();
  return { code: 'ERR_BOX_INTERNAL', message: error instanceof Error ? error.message : String(error) };
}
