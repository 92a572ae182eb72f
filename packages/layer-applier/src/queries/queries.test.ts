import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore, type DiskStore } from '@boxkit/store';
import { buildLayer, temporaryDirectory, whiteout, type TemporaryDirectory } from '@boxkit/testkit';
import { imageOf } from '../drivers/image.fixture.ts';
import { removeTree } from '../remove-tree.ts';
import { openImageTree, type ImageTree } from './image-tree.ts';
import { buffer } from 'node:stream/consumers';
import { streamFromTree } from './stream-file.ts';

const layers = [
  buildLayer([
    { path: 'etc/os-release', type: 'symlink', link: '../usr/lib/os-release' },
    { path: 'usr/lib/os-release', content: 'ID=base\n', uid: 7, mode: 0o640 },
    { path: 'lib', type: 'symlink', link: '/usr/lib' },
    { path: 'etc/passwd', content: 'root' },
    { path: 'gone/file', content: 'x' },
    { path: 'pipe', type: 'fifo' },
    { path: 'loop', type: 'symlink', link: 'loop' },
  ]),
  buildLayer([
    { path: 'lib/added', content: 'through the link' },
    whiteout('gone'),
    { path: 'etc/passwd', content: 'root and more' },
    { path: 'hard', type: 'hardlink', link: 'usr/lib/os-release' },
  ]),
  buildLayer([whiteout('etc/passwd'), { path: 'caf\u00e9', content: 'name' }]),
];

let place: TemporaryDirectory;
let store: DiskStore;
let tree: ImageTree;
beforeAll(async () => {
  place = await temporaryDirectory('queries');
  store = await openStore({ home: join(place.path, 'home'), removeTree });
  tree = await openImageTree(imageOf(layers), {
    store,
    signal: new AbortController().signal,
    logger: { debug: () => {}, warn: () => {} },
    emit: () => {},
    defer: () => {},
  });
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

test.each([
  ['/etc/os-release', 'ID=base\n'],
  ['etc/../lib/./os-release', 'ID=base\n'],
  ['/../../lib/added', 'through the link'],
  ['/hard', 'ID=base\n'],
  ['/caf\u00e9', 'name'],
])('a file is read as inside the root: %s', async (path, content) => {
  expect((await buffer(streamFromTree(tree, path, new AbortController().signal))).toString()).toBe(content);
});

test.each(['/etc/passwd', '/gone/file', '/etc/none', '/etc/os-release/x', '/loop', '/etc', '/pipe', '/'])(
  'what is hidden, missing, or no file is an error: %s',
  async (path) => {
    await expect(buffer(streamFromTree(tree, path, new AbortController().signal))).rejects.toMatchObject({
      code: 'ERR_BOX_FILE_UNREADABLE',
    });
  },
);
