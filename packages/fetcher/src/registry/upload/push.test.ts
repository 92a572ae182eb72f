import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BoxEvent } from '@boxkit/contracts';
import {
  buildImage,
  buildIndex,
  buildLayer,
  limited,
  startFaultyRegistry,
  startRegistry,
  temporaryDirectory,
  type FaultRule,
  type RecordedRequest,
  type Registry,
} from '@boxkit/testkit';
import { pull } from '../../pull.fixture.ts';
import { findTester, noise, tester } from '../tester.fixture.ts';
import { outgoing, push } from './push.fixture.ts';

const partSize = 100_000;
const image = buildImage({
  layers: ['a', 'b', 'c'].map((name) => buildLayer([{ path: name, content: noise(250_000, name) }])),
});
const { username, password } = tester;
const findCredential = findTester;

let registry: Registry;
const resources = new AsyncDisposableStack();
beforeAll(async () => {
  registry = resources.use(await startRegistry());
});
afterAll(() => resources.disposeAsync());

let count = 0;
const fresh = (): string => `app/number${(count += 1)}`;

async function pulledDigest(host: string, name: string): Promise<string> {
  await using home = await temporaryDirectory('pushed');
  return (await pull(home.path, `${host}/${name}:1`)).image.root.digest;
}

/** Pushes through faults; the image must be whole afterwards. */
async function through(script: readonly FaultRule[], built = image) {
  await using faulty = await startFaultyRegistry({ upstream: registry.url, script });
  const name = fresh();
  const events = await push(built, `${faulty.host}/${name}:1`, { partSize });
  expect(await pulledDigest(registry.host, name)).toBe(built.descriptor.digest);
  return { events, requests: await faulty.requests() };
}

const steps = (requests: readonly RecordedRequest[]): readonly string[] =>
  requests.filter(({ kind }) => kind === 'upload').map(({ method }) => method);

describe('a push', () => {
  it('sends long blobs in parts with their ranges, and pulls back equal', async () => {
    const { requests } = await through([]);
    const ranges = requests.filter(({ method }) => method === 'PATCH').map(({ headers }) => headers['content-range']);
    expect(ranges.filter((range) => range === '0-99999')).toHaveLength(3);
    expect(ranges).toContain('100000-199999');
    expect(requests.at(-1)).toMatchObject({ kind: 'manifest', method: 'PUT' });
  });

  it('tells of each blob from 0 to its size', async () => {
    const { events } = await through([]);
    for (const { descriptor } of image.blobs) {
      const told = events.filter(
        (event): event is Extract<BoxEvent, { type: 'blob-progress' }> =>
          event.type === 'blob-progress' && event.digest === descriptor.digest,
      );
      expect(told[0]?.received).toBe(0);
      expect(told.at(-1)?.received).toBe(descriptor.size);
    }
  });

  it('skips blobs that are there, and sends a manifest alone for a further tag', async () => {
    const name = fresh();
    await push(image, `${registry.host}/${name}:1`, { partSize });
    const before = (await registry.requests()).length;
    const events = await push(image, `${registry.host}/${name}:2`, { partSize });
    const writes = (await registry.requests()).slice(before).filter(({ method }) => method !== 'HEAD');
    expect(writes.map(({ method, path }) => `${method} ${path}`)).toEqual([`PUT /v2/${name}/manifests/2`]);
    expect(events.filter((event) => event.type === 'blob-progress' && event.origin !== 'present')).toEqual([]);
  });

  it('mounts blobs that another repository of the registry has', async () => {
    const [from, name] = [fresh(), fresh()];
    await push(image, `${registry.host}/${from}:1`, { partSize });
    const before = (await registry.requests()).length;
    await push(image, `${registry.host}/${name}:1`, { partSize, heldAt: () => [`${registry.host}/${from}`] });
    const methods = (await registry.requests()).slice(before).map(({ method }) => method);
    expect(methods.filter((method) => method === 'POST')).toHaveLength(image.blobs.length);
    expect(methods).not.toContain('PATCH');
    expect(await pulledDigest(registry.host, name)).toBe(image.descriptor.digest);
  });

  it('sends what cannot be mounted after all', async () => {
    const name = fresh();
    await push(image, `${registry.host}/${name}:1`, { partSize, heldAt: () => [`${registry.host}/nothing/here`] });
    expect(await pulledDigest(registry.host, name)).toBe(image.descriptor.digest);
  });

  it('writes an index whole, its manifests first', async () => {
    const other = buildImage({
      layers: [buildLayer([{ path: 'x', content: 'arm' }])],
      platform: { os: 'linux', architecture: 'arm64' },
    });
    const index = buildIndex([image, other]);
    const { requests } = await through([], index as never);
    const puts = requests.filter(({ method, kind }) => method === 'PUT' && kind === 'manifest');
    expect(puts.map(({ path }) => path.split('/').at(-1))).toEqual([
      image.descriptor.digest,
      other.descriptor.digest,
      '1',
    ]);
  });
});

describe('a push goes on', () => {
  it.each<[string, FaultRule]>([
    [
      'a reset in the middle of a part',
      { match: { kind: 'upload', method: 'PATCH' }, skip: 2, fault: { kind: 'reset-request', after: 40_000 } },
    ],
    [
      'resets of several parts',
      { match: { kind: 'upload', method: 'PATCH' }, times: 4, fault: { kind: 'reset-request', after: 9 } },
    ],
    [
      'a lost answer to the last request',
      { match: { kind: 'upload', method: 'PUT' }, times: 2, fault: { kind: 'lose-answer' } },
    ],
    [
      'a lost answer to a part',
      { match: { kind: 'upload', method: 'PATCH' }, times: 2, fault: { kind: 'lose-answer' } },
    ],
    ['a lost answer to the manifest', { match: { kind: 'manifest', method: 'PUT' }, fault: { kind: 'lose-answer' } }],
    ['429 with Retry-After', { match: { kind: 'upload' }, skip: 1, times: 2, fault: limited(0) }],
    [
      '503 in the middle',
      { match: { kind: 'upload', method: 'PATCH' }, skip: 3, times: 2, fault: { kind: 'status', status: 503 } },
    ],
    ['416 for a part', { match: { kind: 'upload', method: 'PATCH' }, skip: 1, fault: { kind: 'status', status: 416 } }],
    [
      'an upload that the registry forgot',
      {
        match: { kind: 'upload', method: 'PATCH' },
        skip: 1,
        fault: { kind: 'status', status: 404, body: '{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}' },
      },
    ],
    [
      'a HEAD that is refused',
      { match: { kind: 'blob', method: 'HEAD' }, times: 3, fault: { kind: 'status', status: 405 } },
    ],
  ])('after %s', async (_name, rule) => {
    const { requests } = await through([rule]);
    expect(requests.filter(({ fault }) => fault !== undefined)).not.toEqual([]);
  });

  it('where the registry says that an upload stands', async () => {
    await using server = await pickyRegistry({ cut: 70_000 });
    await push(image, `${server.host}/app:1`, { partSize });
    expect(server.restarts).toBe(image.blobs.length);
    expect(server.ranges.some((range) => range.startsWith('70000-'))).toBe(true);
  });

  it('in one piece where a registry takes no parts', async () => {
    const { requests } = await through([
      { match: { kind: 'upload', method: 'PATCH' }, times: Infinity, fault: { kind: 'status', status: 405 } },
    ]);
    expect(steps(requests).filter((method) => method === 'PATCH')).toHaveLength(3);
  });

  it('in parts as long as the registry wants them', async () => {
    await using server = await pickyRegistry({ minimum: 180_000 });
    await push(image, `${server.host}/app:1`, { partSize });
    expect(server.ranges.filter((range) => range === '0-179999')).toHaveLength(3);
  });

  it('with a new token when the old one ends in the middle', async () => {
    await using faulty = await startFaultyRegistry({
      upstream: registry.url,
      auth: { username, password, usesPerToken: 8 },
    });
    const name = fresh();
    await push(image, `${faulty.host}/${name}:1`, { partSize, findCredential });
    expect(await pulledDigest(registry.host, name)).toBe(image.descriptor.digest);
    const tokens = (await faulty.requests()).filter(({ kind }) => kind === 'token');
    expect(tokens.length).toBeGreaterThan(2);
    expect(new URLSearchParams(tokens[0]?.path.split('?')[1]).get('scope')).toBe(`repository:${name}:pull,push`);
  });

  it('at another origin without the credential', async () => {
    await using faulty = await startFaultyRegistry({
      upstream: registry.url,
      auth: { username, password },
      script: [{ match: { kind: 'upload', method: 'PUT' }, times: 2, fault: { kind: 'redirect', to: 'storage' } }],
    });
    const name = fresh();
    await push(image, `${faulty.host}/${name}:1`, { findCredential });
    const away = (await faulty.requests()).filter(({ origin }) => origin === 'storage');
    expect(away).toHaveLength(2);
    expect(away.filter(({ headers }) => 'authorization' in headers)).toEqual([]);
    expect(await pulledDigest(registry.host, name)).toBe(image.descriptor.digest);
  });
});

describe('a push that is refused', () => {
  it.each([
    [401, 'ERR_BOX_REGISTRY_UNAUTHORIZED', /box login/],
    [403, 'ERR_BOX_REGISTRY_DENIED', /may not push/],
    [404, 'ERR_BOX_REGISTRY_FAILED', /no such repository/],
    [405, 'ERR_BOX_REGISTRY_FAILED', /takes no pushes/],
    [413, 'ERR_BOX_REGISTRY_FAILED', /limits the length/],
    [429, 'ERR_BOX_REGISTRY_LIMITED', /Wait/],
    [500, 'ERR_BOX_REGISTRY_FAILED', /try again later/],
  ])('with %i is one error with a hint, and no tag is moved', async (status, code, hint) => {
    const script: FaultRule[] = [
      { match: { kind: 'upload' }, skip: 4, times: Infinity, fault: { kind: 'status', status } },
    ];
    await using faulty = await startFaultyRegistry({ upstream: registry.url, script });
    const name = fresh();
    const before = buildImage({ layers: [] });
    await push(before, `${registry.host}/${name}:1`);
    await expect(push(image, `${faulty.host}/${name}:1`, { partSize })).rejects.toMatchObject({
      code,
      hint: expect.stringMatching(hint) as string,
    });
    expect(await pulledDigest(registry.host, name)).toBe(before.descriptor.digest);
  });

  it('for its format says how to convert it', async () => {
    const body = '{"errors":[{"code":"MANIFEST_INVALID","message":"OCI manifests are not supported"}]}';
    const script: FaultRule[] = [
      { match: { kind: 'manifest', method: 'PUT' }, times: Infinity, fault: { kind: 'status', status: 400, body } },
    ];
    await using faulty = await startFaultyRegistry({ upstream: registry.url, script });
    await expect(push(image, `${faulty.host}/${fresh()}:1`)).rejects.toMatchObject({
      code: 'ERR_BOX_REGISTRY_FAILED',
      hint: expect.stringContaining('--format v2s2') as string,
    });
  });

  it('because its own bytes are wrong is told so, and not tried again', async () => {
    const built = outgoing(image);
    const wrong = {
      ...image,
      layers: image.layers,
      blobs: image.blobs.map((blob, at) => (at === 1 ? { ...blob, bytes: noise(blob.bytes.length, 'else') } : blob)),
    };
    expect(built.blobs).toHaveLength(4);
    const before = (await registry.requests()).length;
    await expect(push(wrong, `${registry.host}/${fresh()}:1`, { partSize })).rejects.toMatchObject({
      code: 'ERR_BOX_DIGEST_MISMATCH',
    });
    const after = (await registry.requests()).slice(before);
    expect(after.filter(({ method, path }) => method === 'PUT' && path.includes('/manifests/'))).toEqual([]);
  });

  it('ends with its signal', async () => {
    const script: FaultRule[] = [
      { match: { kind: 'upload', method: 'PATCH' }, times: Infinity, fault: { kind: 'stall', after: -1 } },
    ];
    await using faulty = await startFaultyRegistry({ upstream: registry.url, script });
    const signal = AbortSignal.timeout(300);
    await expect(push(image, `${faulty.host}/${fresh()}:1`, { partSize, signal })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
  });
});

/** A registry that keeps partial uploads and says how much it has, or that wants long parts. It keeps no content. */
async function pickyRegistry(how: { readonly cut?: number; readonly minimum?: number }) {
  const sizes = new Map<string, number>();
  const cutAlready = new Set<string>();
  const done = new Set<string>();
  const state = { ranges: [] as string[], restarts: 0 };
  const server: Server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://x');
    const session = url.pathname.split('/').at(-1) ?? '';
    const answer = (status: number, headers: Record<string, string> = {}): void => {
      request.resume();
      response.writeHead(status, { 'content-length': '0', ...headers });
      response.end();
    };
    const place = (): Record<string, string> => ({
      // Relative, with a query that must come back as it is.
      location: `./${session || sizes.size}?_state=a%2Bb+c`,
      range: `0-${Math.max(0, (sizes.get(session) ?? 0) - 1)}`,
      ...(how.minimum === undefined ? {} : { 'oci-chunk-min-length': String(how.minimum) }),
    });
    if (request.method === 'HEAD') return answer(done.has(session) ? 200 : 404);
    if (request.method === 'POST') {
      state.restarts += 1;
      sizes.set(String(sizes.size + 1), 0);
      return answer(202, place());
    }
    if (url.pathname.includes('/manifests/')) return answer(201);
    if (url.search.includes('_state') && !url.search.startsWith('?_state=a%2Bb+c')) return answer(400);
    if (request.method === 'GET') return answer(204, place());
    if (request.method === 'PUT') {
      done.add(url.searchParams.get('digest') ?? '');
      return answer(201);
    }
    const [first = 0] = (request.headers['content-range'] ?? '').split('-').map(Number);
    state.ranges.push(request.headers['content-range'] ?? '');
    if (first !== (sizes.get(session) ?? 0)) return answer(416, place());
    request.on('data', (chunk: Buffer) => {
      const size = (sizes.get(session) ?? 0) + chunk.length;
      sizes.set(session, how.cut === undefined || cutAlready.has(session) ? size : Math.min(size, how.cut));
      if (how.cut === undefined || size < how.cut || cutAlready.has(session)) return;
      cutAlready.add(session);
      request.pause();
      request.socket.resetAndDestroy();
    });
    request.on('end', () => answer(202, place()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(state, {
    host: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
