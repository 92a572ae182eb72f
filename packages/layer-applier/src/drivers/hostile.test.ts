import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Image } from '@boxkit/contracts';
import { openStore, type DiskStore } from '@boxkit/store';
import {
  buildLayer,
  readTree,
  requireRoot,
  temporaryDirectory,
  type RawTarBytes,
  type TarEntry,
  type TemporaryDirectory,
  type Tree,
} from '@boxkit/testkit';
import { openIndexedImage } from '../indexed/open-indexed-image.ts';
import { openImageTree } from '../queries/image-tree.ts';
import { buffer } from 'node:stream/consumers';
import { streamFromTree } from '../queries/stream-file.ts';
import { removeTree } from '../remove-tree.ts';
import { hostileLayers } from './hostile.fixture.ts';
import { imageOf } from './image.fixture.ts';
import { mergeDriver } from './merge-driver.ts';

let place: TemporaryDirectory;
let store: DiskStore;
let out: string;
let before: Tree;
let turn = 0;

beforeAll(async () => {
  place = await temporaryDirectory('hostile');
  out = join(place.path, 'out');
  mkdirSync(out);
  writeFileSync(join(out, 'victim'), 'untouched');
  store = await openStore({ home: join(place.path, 'home'), removeTree });
  before = await readTree(out);
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
  await removeTree(place.path);
});

const context = () => ({
  store,
  signal: new AbortController().signal,
  logger: { debug: () => {}, warn: () => {} },
  emit: () => {},
  defer: () => {},
});

/** `OUT` becomes the victim's directory. */
function aimed(entries: readonly (TarEntry | RawTarBytes)[]): (TarEntry | RawTarBytes)[] {
  const aim = (text: string): string => text.replaceAll('OUT', out.slice(1)).replace(/^(?=tmp\/)/, '/');
  return entries.map((entry) =>
    'raw' in entry
      ? entry
      : {
          ...entry,
          ...(typeof entry.path === 'string' ? { path: aim(entry.path) } : {}),
          ...(typeof entry.link === 'string' ? { link: aim(entry.link) } : {}),
        },
  );
}

function imageWith(name: string): Image {
  const base = buildLayer([
    { path: 'etc/passwd', content: 'root of the image' },
    { path: 'up', type: 'symlink', link: out },
    { path: 'd/victim', content: 'lower' },
  ]);
  return imageOf([base, buildLayer(aimed(hostileLayers[name]?.entries ?? []))]);
}

async function outcome(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
    return 'done';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

test.each(Object.keys(hostileLayers))('hostile: %s', async (name) => {
  const image = imageWith(name);
  const { makes } = hostileLayers[name] ?? {};
  const directory = join(place.path, `tree-${(turn += 1)}`);
  const merged = await outcome(() => mergeDriver().prepare(image, context(), { directory }));
  const overlaid = await outcome(async () => {
    const tree = await openImageTree(image, context());
    const shown = [...(await openIndexedImage(image, context())).shown()].map(({ path }) => path as string);
    expect(shown).toEqual(expect.arrayContaining([...(makes ?? [])]));
    // What an image shows as its own is never a file of this machine's.
    for (const path of ['etc/passwd', 'b', 'up/victim', 'a', 'x']) {
      const content = await buffer(streamFromTree(tree, path, new AbortController().signal)).catch(() =>
        Buffer.from('none'),
      );
      expect(content.toString()).not.toMatch(/untouched|root:x:0/);
    }
  });
  const allowed = /^done$|^ERR_BOX_LAYER_(?:INVALID|UNSAFE|UNSUPPORTED)$|^ERR_BOX_BUDGET_EXCEEDED$/;
  expect(merged).toMatch(makes === undefined ? allowed : /^done$/);
  expect(overlaid).toBe(merged);
  expect(await readTree(out)).toEqual(before);
  expect(readdirSync(join(store.home, 'tmp')).filter((left) => left !== 'partial')).toEqual([]);
  const left = existsSync(directory) ? [...(await readTree(directory)).keys()] : [];
  expect(left.length > 0).toBe(merged === 'done');
  expect(left).toEqual(expect.arrayContaining(merged === 'done' ? [...(makes ?? [])] : []));
  await removeTree(directory);
});

test('the tests above make devices and owners, which only root can', (testContext) => {
  requireRoot(testContext);
  expect(Object.keys(hostileLayers).length).toBeGreaterThan(50);
});
