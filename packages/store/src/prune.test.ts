import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockFile } from '@boxkit/linux';
import { describe, expect, test } from 'vitest';
import { ownerOf, thisProcess } from './owner.ts';
import type { PruneResult } from './prune-result.ts';
import type { DiskStore } from './disk-store.ts';
import { openStore } from './store.ts';
import { descriptorOf, never, putBlob, putImage, listed } from './testing/fixtures.ts';
import { type TemporaryStore, temporaryStore } from './testing/temporary-store.ts';

/** Works on the store as another process would, and gives up what it relied on. */
async function elsewhere<T>({ home }: TemporaryStore, work: (store: DiskStore) => Promise<T>): Promise<T> {
  await using store = await openStore({ home });
  return await work(store);
}

async function makeTree(store: DiskStore, image: Awaited<ReturnType<typeof putImage>>): Promise<void> {
  const build = async (directory: string): Promise<void> => writeFileSync(join(directory, 'file'), 'x'.repeat(9000));
  await store.layers.ensure(image.diffId, build, { signal: never });
  await store.rootfs.ensure(image.chainId, build, { signal: never });
}

function kinds({ removed }: PruneResult): string[] {
  return removed.map(({ kind }) => kind).sort();
}

describe('prune', () => {
  test('keeps all that a name points to, and takes all once the name is gone', async () => {
    await using t = await temporaryStore();
    const image = await elsewhere(t, async (store) => {
      const made = await putImage(store, 'app');
      await makeTree(store, made);
      return made;
    });
    expect((await t.store.prune()).removed).toEqual([]);
    await t.store.images.delete('app');
    const result = await t.store.prune();
    expect(kinds(result)).toEqual(['blob', 'blob', 'blob', 'layer', 'rootfs']);
    expect(result.bytes).toBeGreaterThan(image.layer.size);
    expect(await listed(t.store.blobs.list())).toEqual([]);
    expect(existsSync(t.store.layers.pathOf(image.diffId))).toBe(false);
    expect(readdirSync(join(t.home, 'tmp'))).toEqual(['partial']);
  });

  test('takes the index of a layer with the layer, or once that is extracted', async () => {
    await using t = await temporaryStore();
    const put = async (directory: string): Promise<void> => writeFileSync(join(directory, 'index'), 'x');
    const [app, other] = await elsewhere(t, async (store) => {
      const images = [await putImage(store, 'app'), await putImage(store, 'other')] as const;
      for (const { diffId } of images) await store.indexes.ensure(diffId, put, { signal: never });
      return images;
    });
    expect((await t.store.prune()).removed).toEqual([]);
    await elsewhere(t, async (store) => store.layers.ensure(app.diffId, put, { signal: never }));
    expect((await t.store.prune()).removed).toMatchObject([{ kind: 'layer-index', name: app.diffId }]);
    await t.store.images.delete('other');
    expect(kinds(await t.store.prune())).toEqual(['blob', 'blob', 'blob', 'layer-index']);
    expect(await listed(t.store.indexes.list())).toEqual([]);
    expect(other.diffId).not.toBe(app.diffId);
  });

  test('says with dryRun what it would take, and takes nothing', async () => {
    await using t = await temporaryStore();
    await elsewhere(t, async (store) => putBlob(store, Buffer.alloc(100_000)));
    const dry = await t.store.prune({ dryRun: true });
    expect(dry).toMatchObject({ dryRun: true, removed: [{ kind: 'blob' }] });
    expect((await listed(t.store.blobs.list())).length).toBe(1);
    const wet = await t.store.prune();
    expect(wet).toEqual({ ...dry, dryRun: false });
  });

  test('keeps a blob that another image has', async () => {
    await using t = await temporaryStore();
    await elsewhere(t, async (store) => {
      await putImage(store, 'one', 'same');
      await putImage(store, 'two', 'same');
      await store.images.delete('one');
    });
    expect((await t.store.prune()).removed).toEqual([]);
  });

  test('takes, with all, the names of images that no container was made from', async () => {
    await using t = await temporaryStore();
    await elsewhere(t, async (store) => {
      const used = await putImage(store, 'used');
      await putImage(store, 'unused');
      const uses = { reference: 'used', layers: [used.diffId], rootfs: [] };
      await using container = await store.containers.create({ uses });
      await container.keep();
    });
    const result = await t.store.prune({ all: true });
    expect(kinds(result)).toEqual(['blob', 'blob', 'blob', 'image']);
    expect((await t.store.images.list()).map(({ reference }) => reference)).toEqual(['used']);
  });

  test('keeps the layers of a container whose image lost its name', async () => {
    await using t = await temporaryStore();
    const image = await elsewhere(t, async (store) => {
      const made = await putImage(store, 'app');
      await makeTree(store, made);
      await using container = await store.containers.create({ uses: { layers: [made.diffId], rootfs: [] } });
      await container.keep();
      await store.images.delete('app');
      return made;
    });
    expect(kinds(await t.store.prune())).toEqual(['blob', 'blob', 'blob', 'rootfs']);
    expect(await t.store.layers.has(image.diffId)).toBe(true);
  });

  test('keeps every tree while there is a container that does not say what it uses', async () => {
    await using t = await temporaryStore();
    await elsewhere(t, async (store) => {
      await makeTree(store, await putImage(store, 'app'));
      await store.images.delete('app');
      await using container = await store.containers.create();
      await container.keep();
    });
    expect(kinds(await t.store.prune())).toEqual(['blob', 'blob', 'blob']);
  });

  test('takes partial blobs that nobody is writing, and leaves those that somebody is', async () => {
    await using t = await temporaryStore();
    const left = descriptorOf(Buffer.alloc(5000, 1));
    await elsewhere(t, async (store) => {
      await using writer = await store.blobs.write(left, { signal: never });
      await writer?.write(Buffer.alloc(4000, 1));
    });
    const bytes = Buffer.alloc(5000, 2);
    await using other = await openStore({ home: t.home });
    await using writer = await other.blobs.write(descriptorOf(bytes), { signal: never });
    await writer?.write(bytes.subarray(0, 4000));
    const result = await t.store.prune();
    expect(result.removed).toEqual([expect.objectContaining({ kind: 'partial', name: left.digest })]);
    await writer?.write(bytes.subarray(4000));
    await writer?.commit();
    expect((await t.store.prune()).removed).toEqual([]);
  });

  test('takes the staging of killed processes, and leaves that of others', async () => {
    await using t = await temporaryStore();
    const child = spawn('sleep', ['60']);
    const dead = ownerOf(child.pid ?? 0) ?? '';
    child.kill('SIGKILL');
    await once(child, 'exit');
    mkdirSync(join(t.home, `tmp/layers-${dead}-00`));
    mkdirSync(join(t.home, `tmp/layers-${thisProcess()}-00`));
    expect((await t.store.prune()).removed).toEqual([expect.objectContaining({ kind: 'staging' })]);
    expect(readdirSync(join(t.home, 'tmp')).sort()).toEqual([`layers-${thisProcess()}-00`, 'partial']);
  });

  test('takes nothing that an open store found, wrote or asked for', async () => {
    await using t = await temporaryStore();
    const image = await elsewhere(t, async (store) => {
      const made = await putImage(store, 'app');
      await makeTree(store, made);
      await store.images.delete('app');
      return made;
    });
    {
      await using other = await openStore({ home: t.home });
      await other.blobs.has(image.layer.digest);
      await other.layers.has(image.diffId);
      expect(kinds(await t.store.prune())).toEqual(['blob', 'blob', 'rootfs']);
    }
    expect(kinds(await t.store.prune())).toEqual(['blob', 'layer']);
  });
});

describe('a program that lasts', () => {
  test('prunes what it found itself, and leaves what work in a scope of its own relies on', async () => {
    await using t = await temporaryStore();
    const scope = t.store.scope();
    const one = await putBlob(t.store, Buffer.from('one'));
    const two = await putBlob(scope, Buffer.from('two'));
    expect((await t.store.prune()).removed.map(({ name }) => name)).toEqual([one.digest]);
    await scope[Symbol.asyncDispose]();
    expect(readdirSync(join(t.home, 'leases')).length).toBe(1);
    expect((await t.store.prune()).removed.map(({ name }) => name)).toEqual([two.digest]);
  });

  test('leaves no lease behind for naming an image', async () => {
    await using t = await temporaryStore();
    await using scope = t.store.scope();
    await putImage(scope, 'app');
    await t.store.images.tag('app', 'other');
    expect(readdirSync(join(t.home, 'leases')).length).toBe(1);
  });
});

describe('while a prune decides', () => {
  test('who comes to rely on something waits until it has decided', async () => {
    await using t = await temporaryStore();
    const { digest } = await elsewhere(t, async (store) => putBlob(store, Buffer.from('blob')));
    const lock = await lockFile(join(t.home, 'locks/prune'));
    writeFileSync(join(t.home, 'locks/prune.mark'), '');
    let answered = false;
    const answer = t.store.blobs.has(digest).finally(() => (answered = true));
    await sleep(30);
    expect(answered).toBe(false);
    renameSync(t.store.blobs.pathOf(digest), join(t.home, 'gone'));
    lock.release();
    expect(await answer).toBe(false);
  });

  test('a mark that a killed prune left holds up nobody for long, and goes', async () => {
    await using t = await temporaryStore();
    const { digest } = await elsewhere(t, async (store) => putBlob(store, Buffer.from('blob')));
    writeFileSync(join(t.home, 'locks/prune.mark'), '');
    expect(await t.store.blobs.has(digest)).toBe(true);
    expect(existsSync(join(t.home, 'locks/prune.mark'))).toBe(false);
  });
});
