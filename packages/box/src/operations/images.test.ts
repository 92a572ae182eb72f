import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildImage, buildLayer, temporaryDirectory, writeOciLayout } from '@boxkit/testkit';
import type { Box } from '../box.ts';
import { createBox } from '../create-box.ts';

const resources = new AsyncDisposableStack();
const one = buildImage({ layers: [buildLayer([{ path: 'etc/one', content: '1' }])] });
const two = buildImage({ layers: [buildLayer([{ path: 'etc/two', content: '2' }])] });
const short = one.descriptor.digest.slice(7, 19);
let box: Box;

beforeAll(async () => {
  const work = resources.use(await temporaryDirectory('images'));
  const layout = join(work.path, 'layout');
  await writeOciLayout(layout, [
    { document: one, name: 'one' },
    { document: two, name: 'two' },
  ]);
  box = resources.use(await createBox({ home: join(work.path, 'home') }));
  for (const name of ['one', 'two']) await box.copy(`oci:${layout}:${name}`, name);
});
afterAll(() => resources.disposeAsync());

const names = async (): Promise<string[]> => (await box.images()).map(({ reference }) => reference);

it.each([
  ['its digest', one.descriptor.digest],
  ['the beginning of its digest', short],
  ['the digest of its configuration, which others call its ID', one.config.descriptor.digest.slice(7, 27)],
])('an image is found by %s', async (_, text) => {
  expect((await box.inspect(text)).stored.root.digest).toBe(one.descriptor.digest);
  expect(Buffer.concat(await Array.fromAsync(box.readFile(text, '/etc/one'))).toString()).toBe('1');
});

it('a name that reads like a digest wins, and less than 12 digits are a name', async () => {
  await box.tag('two', short);
  expect((await box.inspect(short)).stored.root.digest).toBe(two.descriptor.digest);
  await box.remove(short);
  await expect(box.inspect(short.slice(0, 11))).rejects.toMatchObject({ code: 'ERR_BOX_IMAGE_UNKNOWN' });
});

it('an image with several names does not go by its digest; one with one does', async () => {
  await box.tag(short, 'again');
  await expect(box.remove(short)).rejects.toMatchObject({
    code: 'ERR_BOX_USAGE',
    hint: expect.stringContaining('again:latest one:latest') as string,
  });
  expect(await names()).toEqual(['again:latest', 'one:latest', 'two:latest']);
  await box.remove('again');
  expect((await box.remove(short)).reference).toBe('one:latest');
  await expect(box.remove(short)).rejects.toMatchObject({ code: 'ERR_BOX_IMAGE_UNKNOWN' });
  expect(await names()).toEqual(['two:latest']);
});

it.each([`other@${one.descriptor.digest}`, `other:1@${two.descriptor.digest}`, 'oci:/tmp/x', 'Not A Name'])(
  'no image is called %s',
  async (name) => {
    await expect(box.tag('two', name)).rejects.toMatchObject({ code: 'ERR_BOX_REFERENCE_INVALID' });
  },
);
