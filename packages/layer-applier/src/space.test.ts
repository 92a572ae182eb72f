import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openStore } from '@boxkit/store';
import { buildLayer, temporaryDirectory } from '@boxkit/testkit';
import { imageOf } from './drivers/image.fixture.ts';
import { freeSpace, requireSpace, spaceNeeded } from './space.ts';

const layer = buildLayer([{ path: 'zeros', content: Buffer.alloc(5_000_000) }]);

test('a gzip blob in the store tells its uncompressed size, one elsewhere at least its own', async () => {
  await using place = await temporaryDirectory('space');
  await using store = await openStore({ home: join(place.path, 'home') });
  const { layers } = imageOf([layer]);
  expect((await spaceNeeded(store, layers)).bytes).toBe(layer.bytes.length);
  const writer = await store.blobs.write(layer.descriptor, { signal: new AbortController().signal });
  await writer?.write(layer.bytes);
  await writer?.commit();
  await writer?.[Symbol.asyncDispose]();
  expect((await spaceNeeded(store, layers)).bytes).toBe(layer.tar.length);
});

test('what is missing is said before anything is written', async () => {
  const image = imageOf([layer]);
  const needed = { bytes: 5_000_000, inodes: 100 };
  const check = async (bytes: number, inodes?: number): Promise<void> =>
    requireSpace(image, '/somewhere', needed, async () => ({ bytes, inodes }));
  await expect(check(2_000_000, 100)).rejects.toMatchObject({
    code: 'ERR_BOX_STORE_FULL',
    message: expect.stringContaining('3.0 MB are missing') as string,
  });
  await expect(check(5_000_000, 99)).rejects.toMatchObject({ message: expect.stringContaining('1 inodes') as string });
  await expect(check(5_000_000)).resolves.toBeUndefined();
});

test('free space is what this user may write', async () => {
  const { bytes } = await freeSpace('/');
  expect(bytes).toBeGreaterThan(0);
});
