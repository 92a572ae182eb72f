import { Worker } from 'node:worker_threads';
import type { FaultRule } from './faults.ts';
import type { FaultyRegistryOptions, ProxyCommand, ProxyReply, ProxyStart } from './proxy-protocol.ts';
import type { RecordedRequest } from './request-log.ts';

/** A proxy that does to requests what its script says, and records each with all its headers. */
export interface FaultyRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT`, as references have it. */
  readonly host: string;
  readonly url: string;
  /** The other origin, where redirects to signed URLs lead. */
  readonly storageHost: string;
  /** Every request so far, at both origins, in order of arrival. */
  requests(): Promise<readonly RecordedRequest[]>;
  /** Replaces the script; counts start anew. */
  setScript(script: readonly FaultRule[]): Promise<void>;
  /** Forgets the requests recorded so far. */
  clear(): Promise<void>;
}

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** Starts the proxy in a thread of its own, on two free loopback ports. */
export async function startFaultyRegistry(options: FaultyRegistryOptions): Promise<FaultyRegistry> {
  const start: ProxyStart = { ...options, script: options.script ?? [] };
  const worker = new Worker(new URL(`./faulty-proxy-worker.${extension}`, import.meta.url), { workerData: start });
  const failed = new Promise<never>((_resolve, reject) => {
    worker.once('error', reject);
  });
  failed.catch(() => undefined);

  let last = 0;
  const ask = (command: ProxyCommand): Promise<ProxyReply> => {
    const sequence = ++last;
    const reply = new Promise<ProxyReply>((resolve) => {
      const listen = (message: ProxyReply): void => {
        if (message.sequence !== sequence) return;
        worker.off('message', listen);
        resolve(message);
      };
      worker.on('message', listen);
    });
    worker.postMessage({ sequence, command });
    return Promise.race([reply, failed]);
  };

  const { ports } = await ask({ name: 'ports' });
  if (ports === undefined) throw new Error('the faulty registry did not say its ports');
  const host = `127.0.0.1:${ports.registry}`;
  return {
    host,
    url: `${options.tls === undefined ? 'http' : 'https'}://${host}`,
    storageHost: `127.0.0.1:${ports.storage}`,
    requests: async () => (await ask({ name: 'requests' })).requests ?? [],
    setScript: async (script) => {
      await ask({ name: 'script', script });
    },
    clear: async () => {
      await ask({ name: 'clear' });
    },
    [Symbol.asyncDispose]: async () => {
      await worker.terminate();
    },
  };
}
