import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, issueCertificate, seededRandom, temporaryDirectory } from '@boxkit/testkit';
import { recycle, receiveBufferSize } from './receive-buffer.ts';
import { createTransport, type Transport } from './transport.ts';

const bytes = randomBytes(9_000_001);
const expected = createHash('sha256').update(bytes).digest('hex');
let connections = 0;

/** Answers `/?pieces=N&cut=N&chunked=1`: in pieces of at most so many bytes, up to a cut where the connection ends. */
const answer: RequestListener = (request, response) => {
  void (async () => {
    const query = new URL(request.url ?? '', 'http://x').searchParams;
    const pieces = Number(query.get('pieces') ?? bytes.length);
    const cut = Number(query.get('cut') ?? bytes.length);
    const size = Number(query.get('size') ?? bytes.length);
    if (query.get('chunked') === null) response.setHeader('content-length', size);
    const random = seededRandom(pieces);
    for (let at = 0; at < Math.min(cut, size);) {
      const end = Math.min(at + 1 + Math.floor(random() * pieces), cut, size);
      if (!response.write(bytes.subarray(at, end)))
        await once(response, 'drain', { signal: AbortSignal.timeout(5000) });
      else if (random() < 0.1) await turn();
      at = end;
    }
    if (cut < size) response.socket?.end();
    else response.end();
  })().catch(() => response.destroy());
};

const resources = new AsyncDisposableStack();
const bases: Record<string, string> = {};
let transport: Transport;
beforeAll(async () => {
  const authority = await createAuthority(resources.use(await temporaryDirectory('tls')).path);
  const { certificate, key } = await issueCertificate(authority, 'server');
  const servers = {
    http: createServer(answer),
    https: createSecureServer({ cert: readFileSync(certificate), key: readFileSync(key) }, answer),
  };
  for (const [scheme, server] of Object.entries(servers)) {
    server.on('connection', () => (connections += 1));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    resources.defer(() => void server.close());
    bases[scheme] = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }
  transport = resources.use(
    createTransport({ tls: () => ({ ca: readFileSync(authority.certificate, 'utf8') }), idleTimeout: 1000 }),
  );
});
afterAll(() => resources.disposeAsync());

const get = async (scheme: string, query: string, signal = new AbortController().signal) =>
  await transport.send({ method: 'GET', url: new URL(query, bases[scheme]), headers: {}, signal });

describe.each(['http', 'https'])('a long body over %s', (scheme) => {
  it.each([100, 5000, 70_000, 1_500_000, bytes.length])(
    'comes whole, sent in pieces of up to %i bytes',
    async (size) => {
      const digest = createHash('sha256');
      for await (const chunk of (await get(scheme, `?pieces=${size}`)).body) {
        digest.update(chunk);
        recycle(chunk);
      }
      expect(digest.digest('hex')).toBe(expected);
    },
  );

  it('is never changed under a reader that keeps all chunks, gives some back late, or takes its time', async () => {
    const random = seededRandom(7);
    const body = (await get(scheme, '?pieces=2000000')).body;
    const kept: { readonly chunk: Uint8Array; readonly at: number }[] = [];
    let at = 0;
    for await (const chunk of body) {
      kept.push({ chunk, at });
      at += chunk.length;
      if (random() < 0.3) await sleep(20);
      const [first] = kept;
      if (first === undefined || random() < 0.5) continue;
      expect(Buffer.compare(first.chunk, bytes.subarray(first.at, first.at + first.chunk.length))).toBe(0);
      recycle(first.chunk);
      kept.shift();
    }
    expect(at).toBe(bytes.length);
    for (const one of kept)
      expect(Buffer.compare(one.chunk, bytes.subarray(one.at, one.at + one.chunk.length))).toBe(0);
  });

  it('holds no more than a few buffers for a reader that does not read', async () => {
    const response = await get(scheme, '?');
    const iterator = response.body[Symbol.asyncIterator]();
    const first = (await iterator.next()).value as Uint8Array;
    await sleep(100);
    let waiting = 0;
    for (let chunk = first; waiting < 4 * receiveBufferSize;) {
      waiting += chunk.length;
      chunk = (await iterator.next()).value as Uint8Array;
      expect(chunk.buffer.byteLength).toBeLessThanOrEqual(receiveBufferSize);
    }
    await iterator.return?.();
  });

  it.each([0, 3_000_000, bytes.length - 1])('that ends after %i bytes is an error', async (cut) => {
    let received = 0;
    const read = async () => {
      for await (const chunk of (await get(scheme, `?cut=${cut}`)).body) received += chunk.length;
    };
    await expect(read()).rejects.toThrow(expect.objectContaining({ code: 'ERR_BOX_REGISTRY_UNREACHABLE' }));
    expect(received).toBe(cut);
  });

  it('ends with the reason of an abort', async () => {
    const reason = new Error('enough');
    const ending = new AbortController();
    const { body } = await get(scheme, '?pieces=9000', ending.signal);
    const read = async () => {
      for await (const chunk of body) if (chunk.length > 0) ending.abort(reason);
    };
    await expect(read()).rejects.toBe(reason);
  });

  it('in chunks, or short, goes through the parser', async () => {
    const digest = createHash('sha256');
    for await (const chunk of (await get(scheme, '?chunked=1&pieces=100000')).body) digest.update(chunk);
    expect(digest.digest('hex')).toBe(expected);
    const before = connections;
    for (const _ of [1, 2, 3]) {
      for await (const chunk of (await get(scheme, '?size=50000')).body) expect(recycle(chunk)).toBe(false);
    }
    expect(connections - before).toBeLessThanOrEqual(1);
  });
});
