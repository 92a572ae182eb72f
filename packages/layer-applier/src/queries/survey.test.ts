import { join } from 'node:path';
import { buildLayer, opaque, temporaryDirectory, whiteout, type BuiltLayer } from '@boxkit/testkit';
import { openStore } from '@boxkit/store';
import { expect, test } from 'vitest';
import { pathText } from '../byte-path.ts';
import { imageOf } from '../drivers/image.fixture.ts';
import { removeTree } from '../remove-tree.ts';
import { openImageTree, type ImageTree } from './image-tree.ts';
import { listDirectory } from './list-directory.ts';
import { PathTable, pathFlag } from './path-table.ts';
import { shownEntries, survey } from './survey.ts';

async function withTree(layers: readonly BuiltLayer[], use: (tree: ImageTree) => void): Promise<void> {
  await using place = await temporaryDirectory('survey');
  await using store = await openStore({ home: join(place.path, 'home'), removeTree });
  const signal = new AbortController().signal;
  const logger = { debug: () => {}, warn: () => {} };
  use(await openImageTree(imageOf(layers), { store, signal, logger, emit: () => {}, defer: () => {} }));
}

/** What a process would find, by looking at the disk. */
function walk(tree: ImageTree, merged = tree.view.root.merged, parent = ''): string[] {
  return [...listDirectory(tree, merged)].flatMap(({ name, seen }) => {
    const path = parent === '' ? name : `${parent}/${name}`;
    return seen.kind === 'directory' ? [path, ...walk(tree, seen.merged, path)] : [path];
  });
}

const dir = (path: string) => ({ path, type: 'directory' as const });

const stacks: Readonly<Record<string, readonly BuiltLayer[]>> = {
  'whiteouts of files and directories, and a path added again': [
    buildLayer([
      dir('a'),
      { path: 'a/x', content: '1' },
      { path: 'a/y', content: '2' },
      { path: 'b/deep/z', content: '3' },
    ]),
    buildLayer([whiteout('a/x'), whiteout('b')]),
    buildLayer([
      { path: 'b/new', content: 'n' },
      { path: 'a/x', content: 'again' },
    ]),
  ],
  'opaque directories, with entries of their own layer': [
    buildLayer([dir('a'), { path: 'a/x', content: '1' }, { path: 'a/sub/y', content: '2' }]),
    buildLayer([dir('a'), opaque('a'), { path: 'a/own', content: 'o' }]),
    buildLayer([dir('a'), { path: 'a/later', content: 'l' }]),
  ],
  'a file over a directory, and a directory over a file': [
    buildLayer([
      { path: 'd/x', content: '1' },
      { path: 'f', content: '2' },
      { path: 'i', content: '3' },
    ]),
    buildLayer([
      { path: 'd', content: 'file' },
      dir('f'),
      { path: 'f/in', content: 'i' },
      { path: 'i/below', content: 'b' },
    ]),
  ],
  'a symlink of a lower layer that takes entries in': [
    buildLayer([
      dir('usr/lib'),
      { path: 'lib', type: 'symlink', link: 'usr/lib' },
      { path: 'usr/lib/old', content: 'o' },
    ]),
    buildLayer([{ path: 'lib/added', content: 'a' }, whiteout('lib/old')]),
    buildLayer([{ path: 'lib/more/deep', content: 'm' }]),
  ],
  'a directory over a symlink': [
    buildLayer([
      { path: 't/x', content: '1' },
      { path: 'l', type: 'symlink', link: 't' },
    ]),
    buildLayer([dir('l'), { path: 'l/own', content: '2' }]),
  ],
};

test.each(Object.keys(stacks))('what is shown is what a process would find: %s', async (name) => {
  await withTree(stacks[name] ?? [], (tree) => {
    const shown = [...shownEntries(tree)].map(({ path }) => path).filter((path) => path !== '');
    expect(shown.toSorted()).toEqual(walk(tree).toSorted());
  });
});

test('each entry meets the nearest layer above that has to do with it', async () => {
  const layers = [
    buildLayer([dir('d'), { path: 'd/a', content: 'one' }, { path: 'd/b', content: 'two' }]),
    buildLayer([dir('d'), { path: 'd/a', content: 'three' }, whiteout('d/b')]),
    buildLayer([whiteout('d/a')]),
  ];
  await withTree(layers, (tree) => {
    const told = [...survey(tree)]
      .filter(({ entry }) => !entry.implied)
      .map(({ path, layer, shown, met }) => [pathText(path), layer.position, shown, met?.how, met?.position]);
    expect(told).toEqual([
      ['d', 1, true, undefined, undefined],
      ['d/a', 1, false, 'deleted', 2],
      ['d', 0, true, 'merged', 1],
      ['d/a', 0, false, 'replaced', 1],
      ['d/b', 0, false, 'deleted', 1],
    ]);
  });
});

test('a table of paths keeps them apart, however many there are', () => {
  const table = new PathTable();
  for (let at = 0; at < 50_000; at += 1) table.claim(table.add(`usr/share/${at}`), at % 60_000, pathFlag.hidden);
  for (let at = 0; at < 50_000; at += 1) expect(table.claimOf(table.find(`usr/share/${at}`))).toBe(at % 60_000);
  expect(table.find('usr/share/none')).toBe(-1);
});
