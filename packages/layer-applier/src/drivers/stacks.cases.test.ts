import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyModel, requireRoot, type TarEntry } from '@boxkit/testkit';
import { pathText } from '../byte-path.ts';
import { openIndexedImage } from '../indexed/open-indexed-image.ts';
import { imageOf } from './image.fixture.ts';
import { overlayDriver } from './overlay-driver.ts';
import { different, openStackPlace, requireSame, type StackPlace } from './stack-trees.fixture.ts';
import { buildStack } from './stacks.fixture.ts';

const dir = (path: string): TarEntry => ({ path, type: 'directory' });
const file = (path: string): TarEntry => ({ path, content: path });
const link = (path: string, to: string): TarEntry => ({ path, type: 'symlink', link: to });
const hardlink = (path: string, to: string): TarEntry => ({ path, type: 'hardlink', link: to });

interface Stack {
  readonly layers: readonly (readonly TarEntry[])[];
  /** What the image shows. */
  readonly paths: string;
}

/** What random stacks once came out wrong for. */
const stacks: Readonly<Record<string, Stack>> = {
  'a symlink with two names that a later layer goes through is one file still': {
    layers: [[link('a/a', '../a'), hardlink('b', 'a/a'), dir('a')], [file('b/b')]],
    paths: 'a a/a a/b b',
  },
  'a hardlink to a lower symlink is that symlink, when a later layer goes through it too': {
    layers: [[link('c', 'nowhere')], [hardlink('a', 'c')], [file('a/x')]],
    paths: 'a c nowhere nowhere/x',
  },
  'a symlink that leads through another one, both with something in them of one layer': {
    layers: [
      [link('c', 'z/y'), link('a', 'c'), dir('z')],
      [file('c/x'), file('a/c/x')],
    ],
    paths: 'a c z z/y z/y/c z/y/c/x z/y/x',
  },
  'symlinks in a circle that one layer goes through: the directory takes the place of the first': {
    layers: [
      [link('c', 'a'), link('a', 'c')],
      [file('c/x'), file('a/a')],
    ],
    paths: 'a a/a a/x c',
  },
  'what a symlink to nowhere leads into and out of again by .. is not made': {
    layers: [
      [link('a', 'no/x/y/../../z'), link('c', 'gone/../d')],
      [file('a/f'), file('c/f')],
    ],
    paths: 'a c d d/f no no/z no/z/f',
  },
  'nor is it where the symlink is of the same layer': {
    layers: [[link('a', 'no/../z'), file('a/f'), link('c', 'a/x/../y'), file('c/f')]],
    paths: 'a c z z/f z/y z/y/f',
  },
};

let place: StackPlace;
beforeAll(async () => {
  place = await openStackPlace();
});
afterAll(() => place[Symbol.asyncDispose]());

test.each(Object.keys(stacks))('merged, and by its indexes: %s', async (name) => {
  const { layers, paths } = stacks[name] as Stack;
  const model = applyModel(layers);
  const image = imageOf(buildStack(layers));
  expect([...(model?.keys() ?? [])].filter((path) => path !== '.').join(' ')).toBe(paths);
  requireSame(layers, different(model, await place.unpacked(image)));
  const indexed = await openIndexedImage(image, place.context());
  const shown = [...indexed.shown()].map(({ path }) => pathText(path)).filter((path) => path !== '');
  expect(shown.toSorted().join(' ')).toBe(paths);
});

test('overlayfs shows the same of all of them', async (context) => {
  requireRoot(context);
  for (const { layers } of Object.values(stacks)) {
    const shown = await place.mounted(overlayDriver(), imageOf(buildStack(layers)));
    expect(different(applyModel(layers), shown)).toEqual([]);
  }
});

test('a directory that gives way to a symlink of the image while it is settled: nothing outside is changed through it', async (context) => {
  requireRoot(context);
  const outside = place.fresh();
  mkdirSync(join(outside, 'sub'), { recursive: true, mode: 0o755 });
  const before = statSync(join(outside, 'sub'));
  const layers: readonly (readonly TarEntry[])[] = [
    [link('out', outside), link('through', 'made')],
    [{ ...dir('through/sub'), mode: 0o1777, mtime: 5 }, hardlink('made', 'out')],
  ];
  const shown = await place.mounted(overlayDriver(), imageOf(buildStack(layers)));
  expect(different(applyModel(layers), shown)).toEqual([]);
  const after = statSync(join(outside, 'sub'));
  expect([after.mode, after.mtimeMs]).toEqual([before.mode, before.mtimeMs]);
});
