import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '@boxkit/store';
import {
  buildImage,
  buildLayer,
  pushDocument,
  seededRandom,
  startFaultyRegistry,
  startRegistry,
  temporaryDirectory,
  type FaultRule,
  type Registry,
} from '@boxkit/testkit';
import { pull } from './pull.fixture.ts';
import { noise } from './registry/tester.fixture.ts';

const image = buildImage({
  layers: ['a', 'b', 'c', 'd'].map((name) => buildLayer([{ path: name, content: noise(640_000, name) }])),
});
// Slow enough that a kill falls somewhere inside.
const slow: FaultRule = {
  match: { kind: 'blob' },
  fault: { kind: 'drip', bytes: 8000, every: 4 },
  times: Number.POSITIVE_INFINITY,
};

const program = fileURLToPath(new URL('pull-child.fixture.ts', import.meta.url));
const start = (home: string, reference: string): ChildProcess =>
  fork(program, [home, reference], { execArgv: ['--no-warnings'], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });

let registry: Registry;
const resources = new AsyncDisposableStack();
beforeAll(async () => {
  registry = resources.use(await startRegistry());
  await pushDocument(registry, 'some/app', image, '1');
});
afterAll(() => resources.disposeAsync());

async function until(child: ChildProcess, message: string): Promise<void> {
  while ((await once(child, 'message'))[0] !== message);
}

describe('kill -9', () => {
  // Five times twenty: each series goes on where the last kill left the store.
  it.concurrent.each([1, 2, 3, 4, 5])(
    'leaves a store that the next pull goes on with (series %i of 20 kills)',
    { timeout: 300_000 },
    async (series) => {
      const random = seededRandom(series);
      await using faulty = await startFaultyRegistry({ upstream: registry.url, script: [slow] });
      await using home = await temporaryDirectory('crash');
      const reference = `${faulty.host}/some/app:1`;
      for (let kill = 0; kill < 20; kill++) {
        const child = start(home.path, reference);
        const ended = once(child, 'exit');
        // One in five dies before it has any bytes, or while it opens the store.
        await Promise.race([until(child, random() < 0.2 ? 'started' : 'fetching'), ended]);
        await sleep(Math.floor(random() * 350));
        child.kill('SIGKILL');
        await ended;
        await using store = await openStore({ home: home.path });
        expect((await store.fsck()).problems).toEqual([]);
      }
      await faulty.setScript([]);
      const { image: pulled } = await pull(home.path, reference);
      expect(pulled.layers).toHaveLength(4);
      const sent = (await faulty.requests()).filter(({ kind }) => kind === 'blob');
      expect(sent.some(({ headers }) => headers['range'] !== undefined)).toBe(true);
    },
  );
});

describe('eight processes that pull the same image at once', () => {
  it('fetch each blob once', { timeout: 120_000 }, async () => {
    await using faulty = await startFaultyRegistry({ upstream: registry.url, script: [slow] });
    await using home = await temporaryDirectory('together');
    const children = Array.from({ length: 8 }, () => start(home.path, `${faulty.host}/some/app:1`));
    const statuses = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0] as number));
    expect(statuses).toEqual(Array.from({ length: 8 }, () => 0));
    const paths = (await faulty.requests()).filter(({ kind }) => kind === 'blob').map(({ path }) => path);
    expect(paths.toSorted()).toEqual([...new Set(paths)].toSorted());
    expect(paths).toHaveLength(5);
  });
});
