import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BoxEvent } from '@boxkit/contracts';
import {
  buildImage,
  buildLayer,
  limited,
  limitedUntil,
  pushDocument,
  startFaultyRegistry,
  startRegistry,
  temporaryDirectory,
  type Fault,
  type FaultyRegistry,
  type FaultRule,
  type Registry,
} from '@boxkit/testkit';
import { openStore } from '@boxkit/store';
import { isSound, pull, pullInto, type PullOptions } from '../pull.fixture.ts';
import { noise } from './tester.fixture.ts';

// Bytes that gzip cannot shrink, so that offsets fall inside.
const image = buildImage({
  layers: [
    buildLayer([{ path: 'a', content: noise(1_300_000, 'a') }]),
    buildLayer([{ path: 'b', content: noise(90_000, 'b') }]),
  ],
});

let registry: Registry;
let faulty: FaultyRegistry;
const resources = new AsyncDisposableStack();
beforeAll(async () => {
  registry = resources.use(await startRegistry());
  await pushDocument(registry, 'some/app', image, '1');
  faulty = resources.use(await startFaultyRegistry({ upstream: registry.url }));
});
afterAll(() => resources.disposeAsync());
beforeEach(async () => {
  await faulty.setScript([]);
  await faulty.clear();
});

async function attempt(script: readonly FaultRule[], options: PullOptions = {}) {
  await using home = await temporaryDirectory('faults');
  await faulty.setScript(script);
  const events: BoxEvent[] = [];
  const onEvent = (event: BoxEvent): void => void events.push(event);
  const reference = `${faulty.host}/some/app:1`;
  const idleTimeout = script.some((rule) => rule.fault.kind === 'stall') ? 500 : 20_000;
  const outcome = await pull(home.path, reference, { onEvent, idleTimeout, ...options }).then(
    () => ({ error: undefined }),
    (error: unknown) => ({ error }),
  );
  await using store = await openStore({ home: home.path });
  expect(await isSound(store)).toBe(true);
  return { ...outcome, events, requests: await faulty.requests() };
}

const blob = (fault: Fault, rest: Omit<FaultRule, 'fault' | 'match'> = {}): FaultRule => ({
  match: { kind: 'blob' },
  fault,
  ...rest,
});
const manifest = (fault: Fault, rest: Omit<FaultRule, 'fault' | 'match'> = {}): FaultRule => ({
  match: { kind: 'manifest' },
  fault,
  ...rest,
});

describe('a pull goes on after', () => {
  it.each<[string, FaultRule]>([
    ['a reset before the answer', blob({ kind: 'reset', after: -1 })],
    ['resets in mid-body', blob({ kind: 'reset', after: 100_000 }, { skip: 1, times: 3 })],
    ['a truncated body', blob({ kind: 'truncate', after: 50_000 }, { skip: 1 })],
    ['a stall', blob({ kind: 'stall', after: 1000 }, { skip: 1 })],
    ['500', blob({ kind: 'status', status: 500 })],
    ['502', manifest({ kind: 'status', status: 502 }, { times: 2 })],
    ['503', blob({ kind: 'status', status: 503 }, { times: 3 })],
    ['429 with seconds', blob(limited(0))],
    ['429 with a date', manifest(limitedUntil(new Date(Date.now() + 1000)))],
    ['416', blob({ kind: 'status', status: 416 })],
    ['a wrong Content-Length', blob({ kind: 'content-length', delta: 7 })],
    ['a redirect to a signed URL that refuses credentials', blob({ kind: 'redirect', to: 'storage' }, { times: 9 })],
    ['a slow drip', blob({ kind: 'drip', bytes: 1000, every: 1, total: 20_000 })],
    ['garbage instead of HTTP', blob({ kind: 'garbage' })],
    ['no Docker-Content-Digest', manifest({ kind: 'header', name: 'docker-content-digest', value: null })],
    ['no Content-Type', manifest({ kind: 'header', name: 'content-type', value: null })],
  ])('%s', async (_name, rule) => {
    const { error } = await attempt([rule]);
    expect(error).toBeUndefined();
  });
});

describe('a pull ends with one typed error on', () => {
  const forever = { times: Number.POSITIVE_INFINITY };
  it.each<[string, FaultRule, string]>([
    ['a wrong byte', blob({ kind: 'corrupt', at: 1000 }, forever), 'ERR_BOX_DIGEST_MISMATCH'],
    ['a manifest with a wrong byte', manifest({ kind: 'corrupt', at: 10 }, forever), 'ERR_BOX_DIGEST_MISMATCH'],
    [
      'a wrong Docker-Content-Digest',
      manifest({ kind: 'header', name: 'docker-content-digest', value: `sha256:${'0'.repeat(64)}` }),
      'ERR_BOX_DIGEST_MISMATCH',
    ],
    ['a Content-Length that stays wrong', blob({ kind: 'content-length', delta: 7 }, forever), 'ERR_BOX_SIZE_MISMATCH'],
    ['stalls without end', blob({ kind: 'stall', after: -1 }, forever), 'ERR_BOX_REGISTRY_UNREACHABLE'],
    ['503 without end', blob({ kind: 'status', status: 503 }, forever), 'ERR_BOX_REGISTRY_FAILED'],
    ['a Retry-After of a day', manifest(limited(86_400), forever), 'ERR_BOX_REGISTRY_LIMITED'],
    ['404', manifest({ kind: 'status', status: 404 }), 'ERR_BOX_IMAGE_NOT_FOUND'],
    ['403', manifest({ kind: 'status', status: 403 }), 'ERR_BOX_REGISTRY_DENIED'],
    ['a redirect loop', blob({ kind: 'redirect', to: 'loop' }), 'ERR_BOX_REGISTRY_PROTOCOL'],
    ['a redirect to no web', blob({ kind: 'redirect', to: 'file:///etc/passwd' }), 'ERR_BOX_REGISTRY_PROTOCOL'],
    ['an endless manifest', manifest({ kind: 'endless' }), 'ERR_BOX_BUDGET_EXCEEDED'],
    [
      'a web page',
      manifest({ kind: 'body', body: '<html>sign in</html>', contentType: 'text/html' }),
      'ERR_BOX_REGISTRY_PROTOCOL',
    ],
    ['JSON that is no manifest', manifest({ kind: 'body', body: '{"a":1}' }), 'ERR_BOX_DOCUMENT_INVALID'],
  ])('%s', async (_name, rule, code) => {
    const { error } = await attempt([rule]);
    expect(error).toMatchObject({ code });
    expect((error as Error).message.length).toBeGreaterThan(20);
  });
});

describe('resuming', () => {
  it('asks for the rest with Range, and tells what it does', async () => {
    const { error, requests, events } = await attempt([blob({ kind: 'reset', after: 100_000 }, { skip: 1 })]);
    expect(error).toBeUndefined();
    expect(requests.some((request) => /^bytes=\d+-$/.test(request.headers['range'] ?? ''))).toBe(true);
    expect(events).toContainEqual(expect.objectContaining({ type: 'retrying', attempt: 2 }));
  });

  it('starts anew, without a wrong byte, where Range is ignored', async () => {
    const { error, requests } = await attempt([
      { match: { kind: 'blob', range: true }, fault: { kind: 'ignore-range' }, times: Number.POSITIVE_INFINITY },
      blob({ kind: 'reset', after: 100_000 }, { times: 2 }),
    ]);
    expect(error).toBeUndefined();
    expect(requests.some((request) => request.headers['range'] !== undefined && request.status === 200)).toBe(true);
  });

  it('goes on in the next pull with what an aborted one left', async () => {
    await using home = await temporaryDirectory('resume');
    const ending = new AbortController();
    await faulty.setScript([blob({ kind: 'stall', after: 50_000 }, { skip: 1, times: 99 })]);
    const first = pull(home.path, `${faulty.host}/some/app:1`, {
      signal: ending.signal,
      onEvent: (event) => {
        if (event.type === 'blob-progress' && event.total > 200_000)
          setTimeout(() => ending.abort(new Error('enough')), 1000);
      },
    });
    await expect(first).rejects.toThrow('enough');
    await faulty.setScript([]);
    await faulty.clear();
    const { events } = await pull(home.path, `${faulty.host}/some/app:1`);
    expect(events).toContainEqual(expect.objectContaining({ type: 'blob-progress', origin: 'resumed' }));
    expect((await faulty.requests()).some((request) => request.headers['range'] !== undefined)).toBe(true);
  });
});

describe('progress', () => {
  it('tells 0 and the size of each blob, and what was present', async () => {
    await using home = await temporaryDirectory('progress');
    await using store = await openStore({ home: home.path });
    const { events } = await pullInto(store, `${faulty.host}/some/app:1`);
    for (const { descriptor } of image.layers) {
      const received = events.flatMap((event) =>
        event.type === 'blob-progress' && event.digest === descriptor.digest ? [event.received] : [],
      );
      expect(received[0]).toBe(0);
      expect(received.at(-1)).toBe(descriptor.size);
    }
    const again = await pullInto(store, `${faulty.host}/some/app:1`);
    expect(again.events).toContainEqual(expect.objectContaining({ type: 'blob-progress', origin: 'present' }));
    const layers = (await faulty.requests()).filter((request) => request.kind === 'blob');
    expect(layers).toHaveLength(3);
  });

  it('says how long a Retry-After holds it up', async () => {
    const { events } = await attempt([manifest(limited(1))]);
    expect(events).toContainEqual(expect.objectContaining({ type: 'waiting', for: 'retry-after', duration: 1000 }));
  });
});

describe('credentials', () => {
  it('never follow a redirect to another origin', async () => {
    await using guarded = await startFaultyRegistry({
      upstream: registry.url,
      auth: {},
      script: [{ match: { kind: 'blob' }, fault: { kind: 'redirect', to: 'storage' }, times: 99 }],
    });
    await using home = await temporaryDirectory('redirect');
    await pull(home.path, `${guarded.host}/some/app:1`);
    const requests = await guarded.requests();
    expect(requests.some((request) => request.origin === 'storage')).toBe(true);
    expect(requests.filter((request) => request.origin === 'storage' && 'authorization' in request.headers)).toEqual(
      [],
    );
    expect(requests.some((request) => request.kind === 'blob' && 'authorization' in request.headers)).toBe(true);
  });
});
