import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DiffId } from '@boxkit/contracts';
import { expect, test } from 'vitest';
import { openStore } from './store.ts';
import { never } from './testing/fixtures.ts';
import { type TemporaryStore, temporaryStore } from './testing/temporary-store.ts';

const diffId = `sha256:${'cd'.repeat(32)}` as DiffId;

async function makeTree({ store, home }: TemporaryStore): Promise<string> {
  await store.layers.ensure(diffId, async (directory) => writeFileSync(join(directory, 'file'), ''), { signal: never });
  const [mark = ''] = readdirSync(join(home, 'unsynced'));
  return join(home, 'unsynced', mark);
}

async function reopen({ home }: TemporaryStore): Promise<boolean> {
  await using store = await openStore({ home });
  return store.layers.has(diffId);
}

test('a tree that was not synced is trusted while the machine runs', async () => {
  await using t = await temporaryStore();
  await makeTree(t);
  expect(await reopen(t)).toBe(true);
  expect(readdirSync(join(t.home, 'unsynced')).length).toBe(1);
});

test('a tree that was not synced before the machine stopped is made again', async () => {
  await using t = await temporaryStore();
  const mark = await makeTree(t);
  renameSync(mark, join(t.home, 'unsynced', `000000000000-layers-${diffId.replace(':', '-')}`));
  expect(await reopen(t)).toBe(false);
  expect(readdirSync(join(t.home, 'unsynced'))).toEqual([]);
  expect(readdirSync(join(t.home, 'tmp'))).toEqual(['partial']);
  await makeTree(t);
});

test('a tree that cannot be made again counts as absent, and the rest of the store can be read', async () => {
  await using t = await temporaryStore();
  const mark = await makeTree(t);
  renameSync(mark, join(t.home, 'unsynced', `000000000000-layers-${diffId.replace(':', '-')}`));
  rmSync(join(t.home, 'locks'), { recursive: true });
  expect(await reopen(t)).toBe(false);
  expect(existsSync(t.store.layers.pathOf(diffId))).toBe(true);
  await using store = await openStore({ home: t.home });
  mkdirSync(join(t.home, 'locks'));
  await makeTree({ ...t, store });
  expect(await store.layers.has(diffId)).toBe(true);
});

test('a tree that had time to settle is synced by the next process, and loses its mark', async () => {
  await using t = await temporaryStore();
  const mark = await makeTree(t);
  utimesSync(mark, 0, 0);
  expect(await reopen(t)).toBe(true);
  expect(readdirSync(join(t.home, 'unsynced'))).toEqual([]);
});
