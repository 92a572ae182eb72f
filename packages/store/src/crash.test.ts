import { once } from 'node:events';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '@boxkit/contracts';
import { temporaryDirectory } from '@boxkit/testkit';
import { describe, expect, test } from 'vitest';
import { openStore } from './store.ts';
import { listed } from './testing/fixtures.ts';
import { startChild } from './testing/child-process.ts';

/** Milliseconds after which a child is killed at the latest, counted from when it opens the store. */
const latestKill = 120;

describe('kill -9 at 100 random instants', () => {
  test(
    'leaves a sound store each time, and the next process goes on from what had arrived',
    { timeout: 300_000 },
    async () => {
      await using directory = await temporaryDirectory('crash');
      const home = join(directory.path, 'home');
      const cache = join(directory.path, 'cache');
      expect(await startChild(['pull', home, 0], cache).ended).toBe(0);
      const committed = new Map<string, Digest>();
      /** Blobs that were written although they had been committed. */
      const again: string[] = [];
      let resumed = 0;
      let killed = 0;
      while (killed < 100) {
        const child = startChild(['pull', home, 10_000], cache);
        await once(child.process.stdout ?? child.process, 'data');
        const timer = setTimeout(() => child.process.kill('SIGKILL'), Math.random() * latestKill);
        expect(await child.ended).toBe('SIGKILL');
        clearTimeout(timer);
        killed += 1;
        for (const line of child.lines().slice(1)) {
          const [what = '', seed = '', value = ''] = line.split(' ');
          if (what !== 'committed' && committed.has(seed)) again.push(seed);
          if (what === 'resumed') resumed += 1;
          if (what === 'committed') committed.set(seed, value as Digest);
        }
        await using store = await openStore({ home });
        for (const digest of committed.values()) expect(await store.blobs.has(digest)).toBe(true);
        expect((await store.fsck()).problems).toEqual([]);
      }
      expect(again).toEqual([]);
      expect(resumed).toBeGreaterThan(0);

      const last = startChild(['pull', home, committed.size + 2]);
      expect(await last.ended).toBe(0);
      expect(last.lines()).toContain('done');
      await using store = await openStore({ home });
      expect((await store.fsck()).problems).toEqual([]);
      expect(readdirSync(join(home, 'tmp'))).toEqual(['partial']);
      expect(readdirSync(join(home, 'leases')).length).toBeLessThanOrEqual(1);
      expect(await store.containers.list()).toEqual([]);
    },
  );
});

test('8 processes that write one blob at the same time write it once', async () => {
  await using directory = await temporaryDirectory('crash');
  const home = directory.path;
  const size = 20_000_000;
  const children = Array.from({ length: 8 }, () => startChild(['write', home, 1, size]));
  for (const child of children) expect(await child.ended).toBe(0);
  const lines = children.flatMap((child) => child.lines());
  expect(lines.filter((line) => line.startsWith('started'))).toEqual(['started 1 0']);
  expect(lines.filter((line) => line.startsWith('resumed'))).toEqual([]);
  const blobs = readdirSync(join(home, 'blobs/sha256'));
  expect(blobs.map((hex) => statSync(join(home, 'blobs/sha256', hex)).size)).toEqual([size]);
  expect(readdirSync(join(home, 'tmp/partial/sha256'))).toEqual([]);
});

test('a prune takes nothing away from those that pull and run at the same time', async () => {
  await using directory = await temporaryDirectory('crash');
  const home = join(directory.path, 'home');
  const stop = join(directory.path, 'stop');
  const churning = [4000, 4000, 4000].map((milliseconds) => startChild(['churn', home, milliseconds]));
  const pruning = [0, 1].map(() => startChild(['prune', home, stop]));
  for (const child of churning) expect(await child.ended).toBe(0);
  writeFileSync(stop, '');
  for (const child of pruning) expect(await child.ended).toBe(0);
  // One of the pruners may find that the other was always faster.
  let removed = 0;
  for (const child of pruning) removed += Number(child.lines().at(-1)?.split(' ')[1]);
  expect(removed).toBeGreaterThan(0);
  await using store = await openStore({ home });
  expect((await store.fsck()).problems).toEqual([]);
  await store.prune({ all: true });
  expect(await listed(store.blobs.list())).toEqual([]);
  expect(await listed(store.layers.list())).toEqual([]);
  expect(readdirSync(join(home, 'locks'))).toEqual(['prune']);
});
