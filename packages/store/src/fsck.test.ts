import { mkdirSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { putImage } from './testing/fixtures.ts';
import { temporaryStore } from './testing/temporary-store.ts';

test('a sound store has no problems, and all of it is counted', async () => {
  await using t = await temporaryStore();
  const { image } = await putImage(t.store, 'app');
  await using _ = await t.store.containers.create();
  const result = await t.store.fsck();
  expect(result.problems).toEqual([]);
  expect(result.checked).toEqual({ blobs: 3, bytes: image.size, trees: 0, images: 1 });
});

test('a damaged blob is found by its bytes, with the image that needs it; repair removes both', async () => {
  await using t = await temporaryStore();
  const { layer } = await putImage(t.store, 'app');
  await putImage(t.store, 'other');
  truncateSync(t.store.blobs.pathOf(layer.digest), 10);
  const before = await t.store.fsck();
  expect(before).toMatchObject({
    repaired: false,
    problems: [{ kind: 'blob', name: layer.digest }, { kind: 'image' }],
  });
  expect((await t.store.fsck({ repair: true })).problems).toEqual(before.problems);
  expect((await t.store.fsck()).problems).toEqual([]);
  expect(await t.store.blobs.has(layer.digest)).toBe(false);
  expect((await t.store.images.list()).map(({ reference }) => reference)).toEqual(['other']);
});

test('an image whose blob is gone, a record that is none, and files that belong to nobody are found', async () => {
  await using t = await temporaryStore();
  const { layer } = await putImage(t.store, 'app');
  unlinkSync(t.store.blobs.pathOf(layer.digest));
  writeFileSync(join(t.home, 'images/bad.json'), '[]');
  writeFileSync(join(t.home, 'blobs/sha256/README'), '');
  mkdirSync(join(t.home, 'containers', 'x'));
  const { problems } = await t.store.fsck({ repair: true });
  expect(problems.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual([
    'container x',
    'image app.json',
    'image bad.json',
    'unknown sha256:README',
  ]);
  expect((await t.store.fsck()).problems).toEqual([]);
});

test('trees are verified by whoever knows how', async () => {
  await using t = await temporaryStore();
  const { diffId } = await putImage(t.store, 'app');
  mkdirSync(t.store.layers.pathOf(diffId));
  const verifyTree = async (kind: string, path: string): Promise<string | undefined> =>
    path === t.store.layers.pathOf(diffId) ? `${kind}: a file is missing` : undefined;
  expect((await t.store.fsck({ verifyTree })).problems).toEqual([
    { kind: 'layer', name: diffId, path: t.store.layers.pathOf(diffId), problem: 'layers: a file is missing' },
  ]);
});

test('the end of the signal ends it', async () => {
  await using t = await temporaryStore();
  await putImage(t.store, 'app');
  await expect(t.store.fsck({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
});
