import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryStore } from './testing/temporary-store.ts';

it('a volume is made once, and listed by name', async () => {
  await using place = await temporaryStore();
  const { volumes } = place.store;
  expect(await volumes.list()).toEqual([]);
  expect([await volumes.create('b'), await volumes.create('a'), await volumes.create('b')]).toEqual([
    true,
    true,
    false,
  ]);
  expect((await volumes.list()).map(({ name, users }) => [name, users])).toEqual([
    ['a', []],
    ['b', []],
  ]);
  expect(await volumes.get('c')).toBeUndefined();
});

it.each(['', '.', '..', 'a/b', '-x', 'a\nb', '/etc', 'x'.repeat(129)])('the name %j is refused', async (name) => {
  await using place = await temporaryStore();
  const { volumes } = place.store;
  await expect(volumes.create(name)).rejects.toMatchObject({ code: 'ERR_BOX_NAME_INVALID' });
  await expect(volumes.use(name, { containerId: 'c' })).rejects.toMatchObject({ code: 'ERR_BOX_NAME_INVALID' });
  expect([await volumes.get(name), await volumes.remove(name)]).toEqual([undefined, false]);
});

it('the first use fills it, no later one, and of many at once one', async () => {
  await using place = await temporaryStore();
  const { volumes } = place.store;
  await volumes.create('data');
  const seed = (text: string) => async (directory: string) => {
    await mkdir(directory);
    await writeFile(join(directory, 'file'), text);
  };
  const uses = ['one', 'two', 'three'].map((text) => volumes.use('data', { containerId: text, seed: seed(text) }));
  const [path = ''] = await Promise.all(uses);
  const kept = await readFile(join(path, 'file'), 'utf8');
  expect(['one', 'two', 'three']).toContain(kept);
  await rm(join(path, 'file'));
  await volumes.use('data', { containerId: 'four', seed: seed('four') });
  expect(await readdir(path)).toEqual([]);
  expect(await readdir(join(place.home, 'tmp'))).toEqual(['partial']);
});

it('a seed that fails leaves the volume to the next use, and nothing of its own', async () => {
  await using place = await temporaryStore();
  const { volumes } = place.store;
  const fails = async (directory: string): Promise<void> => {
    await mkdir(directory);
    await writeFile(join(directory, 'half'), '');
    throw new Error('no more');
  };
  await expect(volumes.use('data', { containerId: 'c', seed: fails })).rejects.toThrow('no more');
  const path = await volumes.use('data', {
    containerId: 'c',
    seed: (directory) => mkdir(directory),
  });
  expect(await readdir(path)).toEqual([]);
  expect(await readdir(join(place.home, 'tmp'))).toEqual(['partial']);
});

it('a volume that a container uses is not removed, until the container is', async () => {
  await using place = await temporaryStore();
  const { volumes, containers } = place.store;
  const container = await containers.create({ name: 'user' });
  await volumes.use('data', container);
  expect((await volumes.get('data'))?.users).toEqual([container.containerId]);
  await expect(volumes.remove('data')).rejects.toMatchObject({ code: 'ERR_BOX_VOLUME_IN_USE' });
  await container[Symbol.asyncDispose]();
  expect([await volumes.remove('data'), await volumes.remove('data')]).toEqual([true, false]);
  expect(await readdir(join(place.home, 'volumes'))).toEqual([]);
});
