import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, issueCertificate, temporaryDirectory } from '@boxkit/testkit';
import { speaksTls } from './tls-probe.ts';

const resources = new AsyncDisposableStack();
afterAll(() => resources.disposeAsync());
let tls: { readonly cert: Buffer; readonly key: Buffer };
beforeAll(async () => {
  const authority = await createAuthority(resources.use(await temporaryDirectory('probe')).path);
  const { certificate, key } = await issueCertificate(authority, 'server');
  tls = { cert: readFileSync(certificate), key: readFileSync(key) };
});

async function probe(server: Server, signal = new AbortController().signal): Promise<boolean | undefined> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    return await speaksTls('127.0.0.1', port, signal);
  } finally {
    server.close();
  }
}

describe('speaksTls', () => {
  it('is true of a server that takes TLS 1.2, and of one that takes 1.3 alone and refuses', async () => {
    expect(await probe(createSecureServer(tls))).toBe(true);
    expect(await probe(createSecureServer({ ...tls, minVersion: 'TLSv1.3' }))).toBe(true);
    expect(await probe(createSecureServer({ ...tls, requestCert: true, rejectUnauthorized: true }))).toBe(true);
  });

  it('is false of plain HTTP', async () => {
    expect(await probe(createHttpServer())).toBe(false);
  });

  it('is undefined of what hangs up, says nothing, or is not there', async () => {
    expect(await probe(createServer((socket) => socket.destroy()))).toBeUndefined();
    expect(await probe(createServer((socket) => socket.unref()))).toBeUndefined();
    expect(await speaksTls('127.0.0.1', 1, new AbortController().signal)).toBeUndefined();
  });

  it('ends with the reason of an abort', async () => {
    const reason = new Error('enough');
    const ending = new AbortController();
    const silent = createServer(() => ending.abort(reason));
    await expect(probe(silent, ending.signal)).rejects.toBe(reason);
    await expect(speaksTls('127.0.0.1', 1, ending.signal)).rejects.toBe(reason);
  });
});
