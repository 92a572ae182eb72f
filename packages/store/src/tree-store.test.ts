import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BoxEvent, DiffId } from '@boxkit/contracts';
import { describe, expect, test } from 'vitest';
import { never, listed } from './testing/fixtures.ts';
import { temporaryStore } from './testing/temporary-store.ts';

const diffId = `sha256:${'ab'.repeat(32)}` as DiffId;
const options = { signal: never };

describe('a tree', () => {
  test('is built in staging and then there, under a path without a colon', async () => {
    await using t = await temporaryStore();
    let staging = '';
    const path = await t.store.layers.ensure(
      diffId,
      async (directory) => {
        staging = directory;
        expect(await t.store.layers.has(diffId)).toBe(false);
        writeFileSync(join(directory, 'file'), 'content');
      },
      options,
    );
    expect(path).toBe(t.store.layers.pathOf(diffId));
    expect(path).not.toContain(':');
    expect(readFileSync(join(path, 'file'), 'utf8')).toBe('content');
    expect(existsSync(staging)).toBe(false);
    expect(await listed(t.store.layers.list())).toEqual([diffId]);
    expect(await listed(t.store.rootfs.list())).toEqual([]);
  });

  test('is built once when many want it at the same time; the others wait, and say so', async () => {
    await using t = await temporaryStore();
    let built = 0;
    const events: BoxEvent[] = [];
    const build = async (directory: string): Promise<void> => {
      built += 1;
      await new Promise((resolve) => setTimeout(resolve, 30));
      writeFileSync(join(directory, 'file'), '');
    };
    const emit = (event: BoxEvent): void => void events.push(event);
    const all = await Promise.all(
      Array.from({ length: 5 }, () => t.store.layers.ensure(diffId, build, { signal: never, emit })),
    );
    expect(built).toBe(1);
    expect(new Set(all).size).toBe(1);
    expect(events.length).toBe(4);
    expect(readdirSync(join(t.home, 'locks'))).toEqual([]);
  });

  test('whose build fails leaves nothing, and can be built again', async () => {
    await using t = await temporaryStore();
    const failing = t.store.layers.ensure(
      diffId,
      async (directory) => {
        mkdirSync(join(directory, 'a/b'), { recursive: true });
        throw new Error('bad layer');
      },
      options,
    );
    await expect(failing).rejects.toThrow('bad layer');
    expect(readdirSync(join(t.home, 'tmp'))).toEqual(['partial']);
    await t.store.layers.ensure(diffId, async () => {}, options);
    expect(await t.store.layers.has(diffId)).toBe(true);
  });

  test('is not kept when the signal fires during the build', async () => {
    await using t = await temporaryStore();
    const controller = new AbortController();
    const reason = new Error('enough');
    const aborted = t.store.layers.ensure(diffId, async () => controller.abort(reason), { signal: controller.signal });
    await expect(aborted).rejects.toBe(reason);
    expect(await t.store.layers.has(diffId)).toBe(false);
  });

  test('with closed directories, odd names and great depth can be deleted', async () => {
    await using t = await temporaryStore();
    const path = await t.store.layers.ensure(
      diffId,
      async (directory) => {
        mkdirSync(join(directory, 'closed'));
        writeFileSync(join(directory, 'closed/file'), '');
        writeFileSync(Buffer.concat([Buffer.from(`${directory}/`), Buffer.from([0xff, 0xfe, 0x0a])]), '');
        mkdirSync(join(directory, ...Array.from({ length: 300 }, () => 'directory')), { recursive: true });
        chmodSync(join(directory, 'closed'), 0o555);
      },
      options,
    );
    await t.store.layers.delete(diffId);
    expect(existsSync(path)).toBe(false);
    expect(readdirSync(join(t.home, 'tmp'))).toEqual(['partial']);
    await t.store.layers.delete(diffId);
  });
});
