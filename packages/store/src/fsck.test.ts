import { existsSync, mkdirSync, readFileSync, rmdirSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { thisProcess } from './owner.ts';
import { descriptorOf, never, putImage } from './testing/fixtures.ts';
import { temporaryStore } from './testing/temporary-store.ts';

test('a sound store has no problems, and all of it is counted', async () => {
  await using t = await temporaryStore();
  const { image } = await putImage(t.store, 'app');
  await using container = await t.store.containers.create();
  await t.store.volumes.create('fresh');
  await t.store.volumes.use('used', { containerId: container.containerId });
  const result = await t.store.fsck();
  expect(result.problems).toEqual([]);
  expect(result.checked).toEqual({ blobs: 3, bytes: image.size, trees: 0, images: 1, containers: 1, volumes: 2 });
  expect(result.leftovers).toEqual({ staging: { count: 0, bytes: 0 }, partial: { count: 0, bytes: 0 } });
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

test.each([
  ['no JSON', '{'],
  ['null', 'null'],
  ['an object without an owner', '{"containerId":"x","created":"","status":"exited"}'],
])("a container whose state is %s is found and in nobody's way; repair leaves it if it has files", async (_, state) => {
  await using t = await temporaryStore();
  const bare = await t.store.containers.create({ name: 'bare' });
  const full = await t.store.containers.create({ name: 'full' });
  mkdirSync(join(full.path, 'upper'));
  for (const { path } of [bare, full]) writeFileSync(join(path, 'state.json'), state);
  expect(await t.store.containers.list()).toEqual([]);
  const { problems, repaired } = await t.store.fsck({ repair: true });
  expect(repaired).toBe(false);
  expect(problems.map(({ kind, name, irreplaceable }) => ({ kind, name, irreplaceable }))).toEqual(
    expect.arrayContaining([
      { kind: 'container', name: bare.containerId, irreplaceable: undefined },
      { kind: 'container', name: full.containerId, irreplaceable: true },
    ]),
  );
  expect([bare, full].map(({ path }) => existsSync(path))).toEqual([false, true]);
});

test("a container with another's state is found", async () => {
  await using t = await temporaryStore();
  await using one = await t.store.containers.create();
  await using other = await t.store.containers.create();
  const state = readFileSync(join(one.path, 'state.json'), 'utf8');
  writeFileSync(join(other.path, 'state.json'), state.replace(one.containerId, 'f'.repeat(64)));
  expect((await t.store.fsck()).problems).toMatchObject([{ kind: 'container', name: other.containerId }]);
  writeFileSync(join(other.path, 'state.json'), state.replace(one.containerId, other.containerId));
});

test('volumes that lack a part are found; repair leaves those with files', async () => {
  await using t = await temporaryStore();
  const volume = (name: string): string => join(t.home, 'volumes', name);
  for (const name of ['no-record', 'no-content', 'full']) await t.store.volumes.create(name);
  rmdirSync(join(volume('no-record'), 'users'));
  rmdirSync(join(volume('no-content'), 'content'));
  rmdirSync(join(volume('full'), 'users'));
  mkdirSync(join(volume('full'), 'content/data'));
  writeFileSync(volume('a file'), 'x');
  const { problems, repaired } = await t.store.fsck({ repair: true });
  expect(repaired).toBe(false);
  const found = problems.map(({ kind, name, irreplaceable }) => `${kind} ${name} ${irreplaceable ?? false}`).sort();
  expect(found).toEqual([
    'volume a file true',
    'volume full true',
    'volume no-content false',
    'volume no-record false',
  ]);
  expect((await t.store.fsck()).problems.map(({ name }) => name).sort()).toEqual(['a file', 'full']);
});

test('what killed processes left is counted and no problem; what a living one stages is neither', async () => {
  await using t = await temporaryStore();
  const bytes = Buffer.alloc(10_000, 1);
  const abandoned = descriptorOf(bytes);
  {
    await using writer = await t.store.blobs.write(abandoned, { signal: never });
    await writer?.write(bytes.subarray(0, 5000));
  }
  await using writing = await t.store.blobs.write(descriptorOf(Buffer.alloc(9)), { signal: never });
  await writing?.write(Buffer.alloc(4));
  await using _ = await t.store.stage('living');
  const dead = join(t.home, 'tmp', `layers-${thisProcess().replace(/^\d+\.\d+/, '1.1')}-00`);
  mkdirSync(dead);
  writeFileSync(join(dead, 'file'), bytes);
  const { problems, leftovers } = await t.store.fsck();
  expect(problems).toEqual([]);
  expect(leftovers).toMatchObject({ staging: { count: 1 }, partial: { count: 1 } });
  expect(leftovers.staging.bytes).toBeGreaterThanOrEqual(bytes.length);
  expect(leftovers.partial.bytes).toBeGreaterThanOrEqual(5000);
});

test('what stands in the way of a name is found', async () => {
  await using t = await temporaryStore();
  await using _ = await t.store.containers.create({ name: 'proper' });
  writeFileSync(join(t.home, 'names/taken'), '');
  mkdirSync(join(t.home, 'names/-no-name'));
  const { problems } = await t.store.fsck({ repair: true });
  expect(problems.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual([
    'unknown names/-no-name',
    'unknown names/taken',
  ]);
  expect((await t.store.fsck()).problems).toEqual([]);
  await using container = await t.store.containers.create({ name: 'taken' });
  expect(await t.store.containers.find('taken')).toMatchObject({ containerId: container.containerId });
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
