import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isBoxError } from '@boxkit/contracts';
import {
  applyModel,
  temporaryDirectory,
  whiteout,
  writeTar,
  type TarEntry,
  type TemporaryDirectory,
} from '@boxkit/testkit';
import { createBudgets } from '../extract/budgets.ts';
import { ExtractFailure } from '../extract/layer-error.ts';
import { layerOf, stage } from '../extract/layer.fixture.ts';
import { Tally } from '../extract/tally.ts';
import { requireSame } from '../drivers/stack-trees.fixture.ts';
import { stacks } from '../drivers/stacks.fixture.ts';
import { BytesInput } from '../decode/bytes-input.fixture.ts';
import { indexTar } from '../layer-index/index-tar.ts';
import { readIndex, readStagedLayer } from '../layer-index/read-index.ts';
import { IndexedImage } from './indexed-image.ts';
import type { IndexedLayer } from './indexed-layer.ts';

let place: TemporaryDirectory;
beforeAll(async () => {
  place = await temporaryDirectory('indexed');
});
afterAll(() => place[Symbol.asyncDispose]());

function indexed(entries: readonly TarEntry[], position: number): IndexedLayer {
  const directory = mkdtempSync(join(place.path, 'index-'));
  const tar = writeTar(entries);
  const layer = layerOf(tar);
  const index = join(directory, 'index');
  const tally = new Tally(createBudgets(), tar.length);
  indexTar(new BytesInput(tar), tally, { path: index, diffId: layer.diffId, onEntry: () => {} });
  return { layer, diffId: layer.diffId, position, directory, index };
}

function openIndexed(layers: readonly (readonly TarEntry[])[]): IndexedImage | undefined {
  try {
    return new IndexedImage(layers.map(indexed));
  } catch (error) {
    if (error instanceof ExtractFailure || isBoxError(error, 'ERR_BOX_LAYER_INVALID')) return undefined;
    throw error;
  }
}

const numRuns = Number(process.env['BOX_STACKS'] ?? 300);

test('random stacks: the indexes alone show what the model says, whole and directory by directory', () => {
  fc.assert(
    fc.property(stacks, (layers) => {
      const model = applyModel(layers);
      const image = openIndexed(layers);
      if (model === undefined || image === undefined) {
        requireSame(layers, (model === undefined) === (image === undefined) ? [] : ['only one of the two fails']);
        return;
      }
      const wanted = [...model]
        .filter(([path]) => path !== '.')
        .map(([path, { type }]) => `${path} ${kinds[type] ?? 'other'}`);
      const shown = [...image.shown()].filter(({ path }) => path !== '').map(({ path }) => path);
      requireSame(
        layers,
        missing(
          shown,
          wanted.map((line) => line.slice(0, line.lastIndexOf(' '))),
        ),
      );
      requireSame(layers, missing([...walk(image)], wanted));
    }),
    { numRuns },
  );
});

test('a parent that is a symlink to nowhere: what it leads to is made, and shown', () => {
  const image = openIndexed([[{ path: 'c', type: 'symlink', link: 'b/d' }], [{ path: 'c/x', content: '' }]]);
  expect([...(image?.shown() ?? [])].map(({ path }) => path).toSorted()).toEqual(['b', 'b/d', 'b/d/x', 'c']);
  expect(image?.find('/c/x')?.path).toBe('b/d/x');
});

test('a layer that the image has twice is told of twice', () => {
  const twice = [{ path: 'a', content: '1' }];
  const image = openIndexed([twice, [{ path: 'b', content: '2' }], twice]);
  expect([...(image?.survey() ?? [])].map(({ path, layer, shown, met }) => [path, layer.position, shown, met])).toEqual(
    [
      ['a', 2, true, undefined],
      ['b', 1, true, undefined],
      ['a', 0, false, { position: 2, how: 'replaced' }],
    ],
  );
});

test('each entry meets the nearest layer above that has to do with it', () => {
  const dir = (path: string): TarEntry => ({ path, type: 'directory' });
  const image = openIndexed([
    [dir('d'), { path: 'd/a', content: 'one' }, { path: 'd/b', content: 'two' }],
    [dir('d'), { path: 'd/a', content: 'three' }, whiteout('d/b')],
    [whiteout('d/a')],
  ]);
  const told = [...(image?.survey() ?? [])].map(({ path, layer, shown, met }) => [path, layer.position, shown, met]);
  expect(told).toEqual([
    ['d', 1, true, undefined],
    ['d/a', 1, false, { position: 2, how: 'deleted' }],
    ['d', 0, true, { position: 1, how: 'merged' }],
    ['d/a', 0, false, { position: 1, how: 'replaced' }],
    ['d/b', 0, false, { position: 1, how: 'deleted' }],
  ]);
});

test('where a directory and something else take turns is told, implied directories too', () => {
  const image = openIndexed([
    [
      { path: 'd/x', content: '1' },
      { path: 'f', content: '2' },
      { path: 'same', content: '3' },
    ],
    [
      { path: 'd', content: 'now a file' },
      { path: 'f/below', content: '4' },
      { path: 'same', content: '5' },
    ],
  ]);
  expect([...(image?.clashes() ?? [])].toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
    { position: 1, path: 'd' },
    { position: 1, path: 'f' },
  ]);
});

test('a hardlink whose target gave way to a later entry is the file that it was a link to', () => {
  const image = openIndexed([
    [
      { path: 'a', content: 'first' },
      { path: 'b', type: 'hardlink', link: 'a' },
      { path: 'c', type: 'hardlink', link: 'b' },
      { path: 'a', content: 'the second' },
      { path: 'd', type: 'hardlink', link: 'a' },
    ],
  ]);
  const told = [...(image?.shown() ?? [])].map((one) => [one.path, one.entry.type, one.entry.link, image?.sizeOf(one)]);
  expect(told.toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1))).toEqual([
    ['a', 'file', '', 10],
    ['b', 'file', '', 5],
    ['c', 'hardlink', 'b', 5],
    ['d', 'hardlink', 'a', 10],
  ]);
});

const kinds: Readonly<Record<string, string>> = { directory: 'directory', symlink: 'symlink' };

function* walk(image: IndexedImage, path = ''): Generator<string> {
  const found = image.find(`/${Buffer.from(path, 'latin1').toString()}`, { follow: false }) ?? image.find('/');
  if (found === undefined) return;
  const pending = [{ node: image.find('/')?.node ?? 0, path: found.path }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const name of image.list(next)) {
      yield `${name.path} ${name.kind}`;
      if (name.kind === 'directory') pending.push(name);
    }
  }
}

function missing(ours: readonly string[], wanted: readonly string[]): string[] {
  const [left, right] = [ours.toSorted().join('\n'), wanted.toSorted().join('\n')];
  return left === right ? [] : [`ours:\n${left}`, `model:\n${right}`];
}

test('random layers: a tar that is only read has the index that its extraction has', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(stacks, async ([entries = []]) => {
      const staged = await stage(place.path, entries).catch(() => undefined);
      let ours: IndexedLayer | undefined;
      try {
        ours = indexed(entries, 0);
      } catch (error) {
        if (!(error instanceof ExtractFailure)) throw error;
      }
      expect(ours === undefined).toBe(staged === undefined);
      if (ours === undefined || staged === undefined) return;
      const { path: _path, index: _index, ...summary } = readStagedLayer(ours.layer, ours.directory);
      const { path: __path, index: __index, ...wanted } = staged;
      expect([summary, [...readIndex(ours.index)]]).toEqual([wanted, [...readIndex(staged.index)]]);
    }),
    { numRuns: Math.ceil(numRuns / 3) },
  );
});
