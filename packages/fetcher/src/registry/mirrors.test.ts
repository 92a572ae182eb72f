import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BoxEvent } from '@boxkit/contracts';
import {
  buildImage,
  buildIndex,
  buildLayer,
  pushDocument,
  startFaultyRegistry,
  startRegistry,
  temporaryDirectory,
  type Registry,
} from '@boxkit/testkit';
import { openStore } from '@boxkit/store';
import { pull, pullInto } from '../pull.fixture.ts';

const image = buildImage({ layers: [buildLayer([{ path: 'a', content: 'a'.repeat(5000) }])] });
const newer = buildImage({ layers: [buildLayer([{ path: 'b', content: 'b' }])] });
const resources = new AsyncDisposableStack();
let mirror: Registry;
let origin: Registry;

beforeAll(async () => {
  mirror = resources.use(await startRegistry());
  origin = resources.use(await startRegistry());
  await pushDocument(mirror, 'some/app', image, '1');
  await pushDocument(origin, 'some/app', image, '1');
  await pushDocument(origin, 'some/app', image, 'only-origin');
});
afterAll(() => resources.disposeAsync());

const warnings = (events: readonly BoxEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'warning' ? [event.code] : []));

describe('mirrors', () => {
  it('are asked in order, and what they lack comes from the registry', async () => {
    await using home = await temporaryDirectory('mirrors');
    const registries = { [origin.host]: { mirrors: ['127.0.0.1:9', mirror.host] } };
    const { events } = await pull(home.path, `${origin.host}/some/app:1`, { registries });
    expect(warnings(events)).toEqual(['mirror-failed']);
    expect(
      (await origin.requests())
        .filter(({ path }) => path.includes('some/app') && path.includes('manifests/1'))
        .map(({ method }) => method),
    ).not.toContain('GET');
    const second = await pull(home.path, `${origin.host}/some/app:only-origin`, { registries });
    expect(warnings(second.events)).toEqual(['mirror-failed', 'mirror-failed']);
  });

  it('that break in the middle of a blob are left for the next, which goes on from there', async () => {
    await using home = await temporaryDirectory('mirrors');
    await using broken = await startFaultyRegistry({
      upstream: mirror.url,
      script: [
        {
          match: { kind: 'blob', path: new RegExp(image.layers[0]?.descriptor.digest ?? '') },
          fault: { kind: 'reset', after: 50 },
          times: 1,
        },
        {
          match: { kind: 'blob', path: new RegExp(image.layers[0]?.descriptor.digest ?? '') },
          fault: { kind: 'status', status: 404 },
          times: 99,
        },
      ],
    });
    const { events } = await pull(home.path, `${origin.host}/some/app:1`, {
      registries: { [origin.host]: { mirrors: [broken.host] } },
    });
    expect(warnings(events)).toEqual(['mirror-failed']);
  });
});

describe('a blob', () => {
  const layer = image.layers[0]?.descriptor.digest ?? '';

  it('that came wrong is fetched once more, from the next mirror', async () => {
    await using home = await temporaryDirectory('wrong');
    await using wrong = await startFaultyRegistry({
      upstream: mirror.url,
      script: [{ match: { kind: 'blob', path: new RegExp(layer) }, fault: { kind: 'corrupt', at: 9 }, times: 99 }],
    });
    const { events } = await pull(home.path, `${origin.host}/some/app:1`, {
      registries: { [origin.host]: { mirrors: [wrong.host] } },
    });
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'retrying', reason: expect.stringContaining(layer) }),
    );
    await using other = await temporaryDirectory('wrong');
    await expect(pull(other.path, `${wrong.host}/some/app:1`)).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_BOX_DIGEST_MISMATCH' }),
    );
    const tries = (await wrong.requests()).filter(({ path }) => path.includes(layer));
    expect(tries).toHaveLength(3);
  });

  it('that the registry lacks is looked for at the urls of its descriptor, without credentials', async () => {
    await using home = await temporaryDirectory('foreign');
    await using elsewhere = await startFaultyRegistry({ upstream: mirror.url });
    const url = `${elsewhere.url}/v2/some/app/blobs/${layer}`;
    const manifest = JSON.parse(Buffer.from(image.bytes).toString()) as { layers: object[] };
    manifest.layers = manifest.layers.map((descriptor) => ({ ...descriptor, urls: ['ftp://127.0.0.1/x', url] }));
    const bytes = Buffer.from(JSON.stringify(manifest));
    const type = image.descriptor.mediaType;
    const known: Record<string, Uint8Array> = {
      '/v2/app/manifests/1': bytes,
      [`/v2/app/blobs/${image.config.descriptor.digest}`]: image.config.bytes,
    };
    const server = createServer((request, response) => {
      const allowed = request.headers.authorization !== undefined;
      const body = known[request.url ?? ''];
      const status = !allowed ? 401 : body === undefined ? 404 : 200;
      const challenge: Record<string, string> = allowed ? {} : { 'www-authenticate': 'Basic realm="here"' };
      response.writeHead(status, { 'content-type': type, ...challenge }).end(status === 200 ? body : undefined);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    try {
      const { image: pulled } = await pull(home.path, `127.0.0.1:${(server.address() as AddressInfo).port}/app:1`, {
        findCredential: () => Promise.resolve({ kind: 'password', username: 'me', password: 'secret' }),
      });
      expect(pulled.layers).toHaveLength(1);
    } finally {
      server.close();
    }
    const there = await elsewhere.requests();
    expect(there).toHaveLength(1);
    expect(there.every(({ headers }) => headers['authorization'] === undefined)).toBe(true);
  });
});

describe('a pinned digest', () => {
  it('with a tag says two things, which must both hold', async () => {
    await using home = await temporaryDirectory('pinned');
    await pushDocument(origin, 'moving/app', image, 'v1');
    const name = `${origin.host}/moving/app`;
    const pinned = `@${image.descriptor.digest}`;
    expect(warnings((await pull(home.path, `${name}:v1${pinned}`)).events)).toEqual([]);
    await pushDocument(origin, 'moving/app', newer, 'v1');
    await using other = await temporaryDirectory('pinned');
    await expect(pull(other.path, `${name}:v1${pinned}`)).rejects.toThrow(
      expect.objectContaining({
        code: 'ERR_BOX_DIGEST_MISMATCH',
        fields: expect.objectContaining({ expected: image.descriptor.digest, received: newer.descriptor.digest }),
        hint: expect.stringContaining(`${name}${pinned}`),
      }),
    );
    await expect(pull(other.path, `${name}:gone${pinned}`)).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_BOX_IMAGE_NOT_FOUND' }),
    );
    const { image: pulled } = await pull(other.path, `${name}${pinned}`);
    expect(pulled.manifest.digest).toBe(image.descriptor.digest);
  });

  it('may be that of one image in the index that the tag points to', async () => {
    await using home = await temporaryDirectory('pinned');
    const index = buildIndex([image, newer]);
    await pushDocument(origin, 'indexed/app', index, '1');
    const { image: pulled } = await pull(home.path, `${origin.host}/indexed/app:1@${image.descriptor.digest}`);
    expect(pulled.manifest.digest).toBe(image.descriptor.digest);
  });

  it('that is in the store asks no registry at all', async () => {
    await using home = await temporaryDirectory('pinned');
    await using store = await openStore({ home: home.path });
    await using watched = await startFaultyRegistry({ upstream: origin.url });
    const reference = `${watched.host}/some/app@${image.descriptor.digest}`;
    await pullInto(store, reference);
    await watched.clear();
    await pullInto(store, reference);
    expect(await watched.requests()).toEqual([]);
  });
});

describe('policies', () => {
  it('decide when a registry is asked', async () => {
    await using home = await temporaryDirectory('policy');
    await using store = await openStore({ home: home.path });
    await using watched = await startFaultyRegistry({ upstream: origin.url });
    const reference = `${watched.host}/some/app:1`;
    await expect(pullInto(store, reference, { fetch: { policy: 'never' } })).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_BOX_IMAGE_UNKNOWN' }),
    );
    await pullInto(store, reference, { fetch: { policy: 'missing' } });
    await watched.clear();
    await pullInto(store, reference, { fetch: { policy: 'missing' } });
    await pullInto(store, reference, { fetch: { policy: 'never' } });
    expect(await watched.requests()).toEqual([]);
    await pullInto(store, reference);
    expect((await watched.requests()).map(({ method, kind }) => `${method} ${kind}`)).toEqual(['HEAD manifest']);
  });
});

describe('an index', () => {
  it('leads to the platform asked for', async () => {
    await using home = await temporaryDirectory('index');
    const parts = ['amd64', 'arm64'].map((architecture) =>
      buildImage({
        layers: [buildLayer([{ path: architecture, content: '' }])],
        platform: { os: 'linux', architecture },
      }),
    );
    const index = buildIndex(parts);
    await pushDocument(origin, 'multi/app', index, '1');
    const { image: pulled } = await pull(home.path, `${origin.host}/multi/app:1`, {
      fetch: { platform: { os: 'linux', architecture: 'arm64' } },
    });
    expect(pulled.manifest.digest).toBe(parts[1]?.descriptor.digest);
    expect(pulled.root.digest).toBe(index.descriptor.digest);
  });
});
