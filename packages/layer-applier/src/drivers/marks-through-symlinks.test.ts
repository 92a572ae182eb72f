import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyModel, opaque, requireRoot, whiteout, type TarEntry } from '@boxkit/testkit';
import { pathText } from '../byte-path.ts';
import { openIndexedImage } from '../indexed/open-indexed-image.ts';
import { imageOf } from './image.fixture.ts';
import { overlayDriver } from './overlay-driver.ts';
import { different, openStackPlace, requireSame, type StackPlace } from './stack-trees.fixture.ts';
import { buildStack } from './stacks.fixture.ts';

const dir = (path: string): TarEntry => ({ path, type: 'directory' });
const file = (path: string): TarEntry => ({ path, content: path });
const link = (path: string, to: string): TarEntry => ({ path, type: 'symlink', link: to });

interface Stack {
  readonly layers: readonly (readonly TarEntry[])[];
  /** What the image shows. */
  readonly paths: string;
}

const toItself = [link('b', '.'), dir('a'), file('a/x')];
const stacks: Readonly<Record<string, Stack>> = {
  'the symlink hidden through itself, and a file below its name': {
    layers: [toItself, [whiteout('b/b'), file('b/a')]],
    paths: 'a a/x b b/a',
  },
  'the symlink hidden through itself, and a directory below its name': {
    layers: [toItself, [whiteout('b/b'), dir('b/a')]],
    paths: 'a a/x b b/a',
  },
  'the symlink hidden through itself, the mark last in the tar': {
    layers: [toItself, [file('b/a/y'), whiteout('b/b')]],
    paths: 'a a/x b b/a b/a/y',
  },
  'the symlink hidden through itself, and another mark through it, in either order': {
    layers: [toItself, [whiteout('b/b'), whiteout('b/a')]],
    paths: '',
  },
  'the symlink hidden through another one': {
    layers: [
      [...toItself, link('c', 'b')],
      [whiteout('c/b'), file('n')],
    ],
    paths: 'a a/x c n',
  },
  'all that a symlink to the root leads to is opaque': {
    layers: [toItself, [opaque('b'), file('b/n')]],
    paths: 'b b/n',
  },
  'a mark through a symlink spares what its layer has where that leads': {
    layers: [
      [link('b', 'c'), dir('c'), file('c/x'), file('c/y')],
      [whiteout('b/x'), whiteout('b/y'), file('b/n'), file('c/x')],
    ],
    paths: 'b c c/n c/x',
  },
  'an opaque directory through a symlink spares what its layer has where that leads': {
    layers: [
      [link('b', 'c'), dir('c/d'), file('c/d/x')],
      [dir('b/d'), opaque('b/d'), file('b/d/n'), file('c/d/own')],
    ],
    paths: 'b c c/d c/d/n c/d/own',
  },
  'a mark goes where the lower symlinks lead, not where the layer leads them': {
    layers: [
      [link('b', 'c'), link('c', 'd'), dir('d'), file('d/x')],
      [dir('c'), file('c/x'), whiteout('b/x')],
    ],
    paths: 'b c c/x d',
  },
  'an entry for the directory: the symlink is replaced, not followed': {
    layers: [
      [link('b', 'c'), dir('c'), file('c/x')],
      [dir('b'), whiteout('b/x'), file('b/n')],
    ],
    paths: 'b b/n c c/x',
  },
};

let place: StackPlace;
beforeAll(async () => {
  place = await openStackPlace();
});
afterAll(() => place[Symbol.asyncDispose]());

test.each(Object.keys(stacks))('marks through a lower symlink: %s', async (name) => {
  const { layers, paths } = stacks[name] as Stack;
  const model = applyModel(layers);
  const image = imageOf(buildStack(layers));
  expect([...(model?.keys() ?? [])].filter((path) => path !== '.').join(' ')).toBe(paths);
  requireSame(layers, different(model, await place.unpacked(image)));
  const shown = [...(await openIndexedImage(image, place.context())).shown()].map(({ path }) => pathText(path));
  expect(
    shown
      .filter((path) => path !== '')
      .toSorted()
      .join(' '),
  ).toBe(paths);
});

test('marks through a lower symlink: overlayfs shows the same', async (context) => {
  requireRoot(context);
  for (const { layers } of Object.values(stacks)) {
    const shown = await place.mounted(overlayDriver(), imageOf(buildStack(layers)));
    expect(different(applyModel(layers), shown)).toEqual([]);
  }
});
