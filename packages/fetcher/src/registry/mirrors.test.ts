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

describe('a pinned digest', () => {
  it('is what is pulled; that its tag has moved is a warning', async () => {
    await using home = await temporaryDirectory('pinned');
    await pushDocument(origin, 'moving/app', image, 'v1');
    const reference = `${origin.host}/moving/app:v1@${image.descriptor.digest}`;
    expect(warnings((await pull(home.path, reference)).events)).toEqual([]);
    await pushDocument(origin, 'moving/app', newer, 'v1');
    await using other = await temporaryDirectory('pinned');
    const { image: pulled, events } = await pull(other.path, reference);
    expect(pulled.manifest.digest).toBe(image.descriptor.digest);
    expect(warnings(events)).toEqual(['tag-moved']);
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
