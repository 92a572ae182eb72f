import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { createProxy } from './faulty-proxy.ts';
import type { ProxyCommand, ProxyReply, ProxyStart } from './proxy-protocol.ts';

const start = workerData as ProxyStart;
const port = parentPort;
if (port === null) throw new Error('this file is the entry of a worker thread');

let storagePort = 0;
const proxy = createProxy(start, () => `http://127.0.0.1:${storagePort}`);
const registry = await listen(serverFor(start, proxy.registry));
storagePort = await listen(createServer(proxy.storage));
const ports = { registry, storage: storagePort };

port.on('message', ({ sequence, command }: { sequence: number; command: ProxyCommand }) => {
  if (command.name === 'script') proxy.setScript(command.script);
  if (command.name === 'clear') proxy.requests.length = 0;
  const reply: ProxyReply = { sequence, ports, ...(command.name === 'requests' ? { requests: proxy.requests } : {}) };
  port.postMessage(reply);
});

function serverFor({ tls }: ProxyStart, listener: RequestListener): Server {
  if (tls === undefined) return createServer(listener);
  return createTlsServer({ cert: readFileSync(tls.certificate), key: readFileSync(tls.key) }, listener);
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve((server.address() as AddressInfo).port);
    });
  });
}
