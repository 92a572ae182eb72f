import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { limited, randomFaults, type Fault, type FaultRule } from './faults.ts';
import { startFaultyRegistry, type FaultyRegistry } from './faulty-registry.ts';
import { startRegistry, type Registry } from './registry.ts';

const blob = Buffer.alloc(200_000, 'box').map((byte, at) => byte ^ (at >> 8));
const digest = `sha256:${createHash('sha256').update(blob).digest('hex')}`;
const path = `/v2/some/image/blobs/${digest}`;
let registry: Registry;
let faulty: FaultyRegistry;

beforeAll(async () => {
  registry = await startRegistry();
  const begun = await fetch(`${registry.url}/v2/some/image/blobs/uploads/`, { method: 'POST' });
  const location = new URL(begun.headers.get('location') ?? '', registry.url);
  location.searchParams.set('digest', digest);
  const stored = await fetch(location, { method: 'PUT', body: blob });
  expect(stored.status).toBe(201);
  faulty = await startFaultyRegistry({ upstream: registry.url });
});

afterAll(async () => {
  await faulty[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
});

async function harmed(fault: Fault, init: RequestInit = {}): Promise<Response> {
  await faulty.setScript([{ match: { kind: 'blob' }, fault }]);
  return fetch(`${faulty.url}${path}`, { redirect: 'manual', ...init });
}

test('without a script a blob passes unharmed, with its headers recorded', async () => {
  await faulty.setScript([]);
  await faulty.clear();
  const response = await fetch(`${faulty.url}${path}`, { headers: { 'x-mark': 'seen' } });
  expect(Buffer.from(await response.arrayBuffer()).equals(blob)).toBe(true);
  expect(await faulty.requests()).toMatchObject([{ kind: 'blob', status: 200, headers: { 'x-mark': 'seen' } }]);
});

test.for<Fault>([
  { kind: 'reset', after: 1000 },
  { kind: 'reset', after: -1 },
  { kind: 'truncate', after: 5000 },
  { kind: 'content-length', delta: 10 },
  { kind: 'garbage' },
])('a client feels $kind', async (fault) => {
  await expect(harmed(fault).then((response) => response.arrayBuffer())).rejects.toThrow(/fetch failed|terminated/);
});

test('a reset lets the bytes before it through', async () => {
  const received = await rawGet(faulty, { kind: 'reset', after: 150_000 });
  expect(received).toBeGreaterThanOrEqual(150_000);
  expect(received).toBeLessThan(151_000);
});

test('a wrong byte is one byte', async () => {
  const body = Buffer.from(await (await harmed({ kind: 'corrupt', at: 70_000 })).arrayBuffer());
  expect(body.filter((byte, at) => byte !== blob[at])).toHaveLength(1);
});

test('a Range can be answered with the whole', async () => {
  const headers = { range: 'bytes=100-' };
  expect((await harmed({ kind: 'ignore-range' }, { headers })).status).toBe(200);
  await faulty.setScript([]);
  const unharmed = await fetch(`${faulty.url}${path}`, { headers });
  expect(unharmed.status).toBe(206);
});

test('429 says when to come again', async () => {
  const response = await harmed(limited(7));
  expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7']);
});

test('a signed URL serves a stranger and refuses credentials', async () => {
  const response = await harmed({ kind: 'redirect', to: 'storage' });
  const location = response.headers.get('location') ?? '';
  expect(new URL(location).host).toBe(faulty.storageHost);
  expect((await fetch(location, { headers: { authorization: 'Basic x' } })).status).toBe(400);
  expect(await (await fetch(location)).arrayBuffer()).toHaveProperty('byteLength', blob.length);
});

test('a redirect loop has no end', async () => {
  const start = await harmed({ kind: 'redirect', to: 'loop' });
  const next = await fetch(new URL(start.headers.get('location') ?? '', faulty.url), { redirect: 'manual' });
  expect(next.headers.get('location')).toBe('/__loop/2');
});

test('an endless answer is still coming when its reader leaves', async () => {
  const response = await harmed({ kind: 'endless' });
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > 3_000_000) break;
  }
  expect(bytes).toBeGreaterThan(3_000_000);
});

test('a stalled body waits for as long as its reader', async () => {
  const response = await harmed({ kind: 'stall', after: 10 }, { signal: AbortSignal.timeout(300) });
  await expect(response.arrayBuffer()).rejects.toThrow('timeout');
});

test('the tokens of the proxy expire after their uses', async () => {
  await using guarded = await startFaultyRegistry({ upstream: registry.url, auth: { usesPerToken: 1 } });
  const challenge = (await fetch(`${guarded.url}${path}`)).headers.get('www-authenticate') ?? '';
  const realm = /realm="([^"]+)"/.exec(challenge)?.[1] ?? '';
  const { token } = (await (await fetch(realm)).json()) as { token: string };
  const statuses: number[] = [];
  for (let turn = 0; turn < 2; turn++) {
    const response = await fetch(`${guarded.url}${path}`, { headers: { authorization: `Bearer ${token}` } });
    await response.arrayBuffer();
    statuses.push(response.status);
  }
  expect(statuses).toEqual([200, 401]);
});

test("the registry's own token server is reached through the proxy", async () => {
  await using upstream = await startRegistry({ auth: 'token' });
  const script: FaultRule[] = [{ match: { kind: 'token' }, fault: { kind: 'status', status: 503 } }];
  await using guarded = await startFaultyRegistry({ upstream: upstream.url, script });
  const challenge = (await fetch(`${guarded.url}/v2/`)).headers.get('www-authenticate') ?? '';
  const realm = /realm="([^"]+)"/.exec(challenge)?.[1] ?? '';
  const basic = Buffer.from(`${upstream.username}:${upstream.password}`).toString('base64');
  const ask = (): Promise<Response> => fetch(realm, { headers: { authorization: `Basic ${basic}` } });
  expect((await ask()).status).toBe(503);
  const { token } = (await (await ask()).json()) as { token: string };
  const admitted = await fetch(`${guarded.url}/v2/`, { headers: { authorization: `Bearer ${token}` } });
  expect(admitted.status).toBe(200);
});

test('a random script is the same for the same seed', () => {
  const texts = [1, 1, 2].map((seed) =>
    JSON.stringify(randomFaults(seed).filter(({ fault }) => fault.kind !== 'status')),
  );
  expect(texts[0]).toBe(texts[1]);
  expect(texts[0]).not.toBe(texts[2]);
});

/** Bytes of an answer's body that arrive before the connection ends, however it ends. */
async function rawGet(proxy: FaultyRegistry, fault: Fault): Promise<number> {
  await proxy.setScript([{ fault }]);
  const [host, port] = proxy.host.split(':');
  const socket = connect(Number(port), host);
  socket.setEncoding('latin1');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${proxy.host}\r\n\r\n`);
  let received = '';
  socket.on('data', (chunk) => {
    received += String(chunk);
  });
  await new Promise((resolve) => {
    socket.once('error', () => undefined);
    socket.once('close', resolve);
  });
  return received.length - received.indexOf('\r\n\r\n') - 4;
}
