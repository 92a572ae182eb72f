import {
  chmodSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { lstatSync, readdirSync, chownSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MediaType, parseDiffId, parseDigest, type ChainId, type Layer } from '@boxkit/contracts';
import { getXattr, listXattrs, setXattr } from '@boxkit/linux';
import { temporaryDirectory, type TemporaryDirectory } from '@boxkit/testkit';
import type { BytePath } from '../byte-path.ts';
import { mergeLayer, type MergeLayer } from './merge-layer.ts';

let home: TemporaryDirectory;
beforeAll(async () => {
  home = await temporaryDirectory('merge');
});
afterAll(() => home[Symbol.asyncDispose]());

const digest = `sha256:${'0'.repeat(64)}`;
const layerName: Layer = {
  descriptor: { mediaType: MediaType.ociLayer, digest: parseDigest(digest), size: 0 },
  diffId: parseDiffId(digest),
  chainId: digest as ChainId,
};
let count = 0;

/** A tree from `path: content`; a name ending in `/` is a directory, content `-> x` a symlink. */
function tree(entries: Record<string, string>): string {
  const root = join(home.path, String(count++));
  mkdirSync(root);
  for (const [path, content] of Object.entries(entries)) {
    const full = join(root, path);
    mkdirSync(path.endsWith('/') ? full : dirname(full), { recursive: true });
    if (content.startsWith('-> ')) symlinkSync(content.slice(3), full);
    else if (!path.endsWith('/')) writeFileSync(full, content);
  }
  return root;
}

function layer(entries: Record<string, string>, more: Partial<Record<keyof MergeLayer, unknown>> = {}): MergeLayer {
  return {
    layer: layerName,
    path: tree(entries),
    whiteouts: [],
    opaques: [],
    impliedDirectories: [],
    deferredHardlinks: [],
    rootEntry: false,
    ...more,
  } as MergeLayer;
}

function merged(lower: Record<string, string>, ...layers: MergeLayer[]): string {
  const root = tree(lower);
  for (const one of layers) mergeLayer({ root, trash: `${root}.trash` }, one);
  return root;
}

function list(root: string, below = ''): Record<string, string> {
  return Object.fromEntries(
    readdirSync(join(root, below))
      .sort()
      .flatMap((name) => {
        const path = join(below, name);
        const stat = lstatSync(join(root, path));
        if (stat.isSymbolicLink()) return [[path, `-> ${readlinkSync(join(root, path))}`]];
        if (!stat.isDirectory()) return [[path, readFileSync(join(root, path), 'utf8')]];
        return [[`${path}/`, ''], ...Object.entries(list(root, path))];
      }),
  );
}

const paths = (...all: string[]): BytePath[] => all as BytePath[];

test('a whiteout hides the lower entry and spares the one of its own layer', () => {
  const root = merged(
    { a: 'low', b: 'low', 'd/x': 'low' },
    layer({ b: 'up' }, { whiteouts: paths('a', 'b', 'd', 'none') }),
  );
  expect(list(root)).toEqual({ b: 'up' });
});

test('a whited-out directory that the layer makes anew starts empty', () => {
  const root = merged({ 'd/x': 'low' }, layer({ 'd/y': 'up' }, { whiteouts: paths('d') }));
  expect(list(root)).toEqual({ 'd/': '', 'd/y': 'up' });
});

test('an opaque mark hides all lower children and keeps the directory and its own entries', () => {
  const lower = tree({ 'd/x': 'low', 'd/e/y': 'low', z: 'low' });
  chmodSync(join(lower, 'd'), 0o701);
  mergeLayer(
    { root: lower, trash: `${lower}.trash` },
    layer({ 'd/new': 'up' }, { opaques: paths('d'), impliedDirectories: paths('d') }),
  );
  expect(list(lower)).toEqual({ 'd/': '', 'd/new': 'up', z: 'low' });
  expect(statSync(join(lower, 'd')).mode & 0o7777).toBe(0o701);
});

test('a directory over a directory replaces mode, owner, times and xattrs and keeps the children', () => {
  const lower = tree({ 'd/x': 'low' });
  setXattr(join(lower, 'd'), 'user.old', Buffer.from('1'));
  const upper = layer({ 'd/y': 'up' });
  chownSync(join(upper.path, 'd'), 7, 8);
  chmodSync(join(upper.path, 'd'), 0o2750);
  setXattr(join(upper.path, 'd'), 'user.new', Buffer.from('2'));
  utimesSync(join(upper.path, 'd'), 5, 1_234_567.5);
  mergeLayer({ root: lower, trash: `${lower}.trash` }, upper);
  const stat = statSync(join(lower, 'd'), { bigint: true });
  expect([stat.mode & 0o7777n, stat.uid, stat.gid, stat.mtimeNs]).toEqual([0o2750n, 7n, 8n, 1_234_567_500_000_000n]);
  expect(listXattrs(join(lower, 'd'))).toEqual(['user.new']);
  expect(getXattr(join(lower, 'd'), 'user.new').toString()).toBe('2');
  expect(list(lower)).toEqual({ 'd/': '', 'd/x': 'low', 'd/y': 'up' });
});

test('an implied directory over a directory leaves mode and times as they were', () => {
  const lower = tree({ 'd/x': 'low' });
  chmodSync(join(lower, 'd'), 0o710);
  utimesSync(join(lower, 'd'), 1, 1000);
  utimesSync(lower, 1, 2000);
  const upper = layer({ 'd/y': 'up' }, { impliedDirectories: paths('d'), whiteouts: paths('d/x') });
  mergeLayer({ root: lower, trash: `${lower}.trash` }, upper);
  expect(list(lower)).toEqual({ 'd/': '', 'd/y': 'up' });
  expect([statSync(join(lower, 'd')).mode & 0o777, statSync(join(lower, 'd')).mtimeMs]).toEqual([0o710, 1_000_000]);
  expect(statSync(lower).mtimeMs).toBe(2_000_000);
});

test('every other clash removes the old entry, then puts the new one', () => {
  const root = merged(
    { file: 'low', 'dir/x': 'low', link: '-> dir', 'both/x': 'low' },
    layer({ 'file/y': 'up', dir: 'up', link: 'up', both: '-> elsewhere' }),
  );
  expect(list(root)).toEqual({ 'file/': '', 'file/y': 'up', dir: 'up', link: 'up', both: '-> elsewhere' });
});

test('an explicit directory replaces a lower symlink, an implied one follows it', () => {
  const lower = { lib: '-> usr/lib', 'usr/lib/a': 'low' };
  expect(list(merged(lower, layer({ 'lib/x': 'up' })))).toEqual({
    'lib/': '',
    'lib/x': 'up',
    'usr/': '',
    'usr/lib/': '',
    'usr/lib/a': 'low',
  });
  expect(list(merged(lower, layer({ 'lib/x': 'up', 'lib/a': 'new' }, { impliedDirectories: paths('lib') })))).toEqual({
    lib: '-> usr/lib',
    'usr/': '',
    'usr/lib/': '',
    'usr/lib/a': 'new',
    'usr/lib/x': 'up',
  });
});

test.each([
  ['absolute, from the root', '/usr/lib', 'usr/lib/x'],
  ['past the root', '../../../usr/lib', 'usr/lib/x'],
  ['through another link', 'l2/lib', 'usr/lib/x'],
  ['dangling: the missing directories are made', 'no/where', 'no/where/x'],
])('a lower symlink is followed inside the root only: %s', (_name, target, found) => {
  const root = merged(
    { lib: `-> ${target}`, 'usr/lib/a': 'low', l2: '-> /usr' },
    layer({ 'lib/x': 'up' }, { impliedDirectories: paths('lib') }),
  );
  expect(readlinkSync(join(root, 'lib'))).toBe(target);
  expect(readFileSync(join(root, found), 'utf8')).toBe('up');
});

test.each([
  ['a loop', 'lib'],
  ['a file', 'file'],
])('an implied directory replaces a symlink that leads to no directory: %s', (_name, target) => {
  const root = merged(
    { lib: `-> ${target}`, file: 'low' },
    layer({ 'lib/x': 'up' }, { impliedDirectories: paths('lib') }),
  );
  expect(list(root)).toEqual({ file: 'low', 'lib/': '', 'lib/x': 'up' });
});

test('a whiteout below a lower symlink hides what the symlink leads to', () => {
  const root = merged({ lib: '-> usr/lib', 'usr/lib/a': 'low' }, layer({}, { whiteouts: paths('lib/a') }));
  expect(list(root)).toEqual({ lib: '-> usr/lib', 'usr/': '', 'usr/lib/': '' });
});

test('a hardlink to a lower layer is the same file, also when it replaces one', () => {
  const root = merged(
    { 'd/target': 'low', old: 'old', link: '-> d' },
    layer(
      { 'e/': '' },
      {
        deferredHardlinks: [
          { path: 'old', target: 'd/target' },
          { path: 'e/new', target: 'link/target' },
          { path: 'd/target', target: 'd/target' },
        ],
      },
    ),
  );
  const inode = statSync(join(root, 'd/target')).ino;
  expect([statSync(join(root, 'old')).ino, statSync(join(root, 'e/new')).ino]).toEqual([inode, inode]);
});

test('a hardlink to a symlink links the symlink itself', () => {
  const root = merged({ link: '-> nowhere' }, layer({}, { deferredHardlinks: [{ path: 'new', target: 'link' }] }));
  expect(readlinkSync(join(root, 'new'))).toBe('nowhere');
});

test('a hardlink whose target nobody has is an error that names both', () => {
  const bad = layer({}, { deferredHardlinks: [{ path: 'new', target: 'none' }] });
  expect(() => merged({}, bad)).toThrow(
    expect.objectContaining({ code: 'ERR_BOX_LAYER_INVALID', message: expect.stringContaining('"new"') as string }),
  );
});

test('nothing outside the root is touched through its symlinks', () => {
  const outside = tree({ secret: 'keep' });
  const root = merged(
    { out: `-> ${outside}`, up: '-> ../../../..' },
    layer({ 'out/secret': 'up' }, { impliedDirectories: paths('out'), whiteouts: paths('up/etc', 'out/secret') }),
  );
  expect(list(outside)).toEqual({ secret: 'keep' });
  expect(readFileSync(join(root, outside, 'secret'), 'utf8')).toBe('up');
});

test('names that are no UTF-8 survive', () => {
  const upper = layer({});
  const name = Buffer.from('caf\xe9', 'latin1');
  mkdirSync(Buffer.concat([Buffer.from(`${upper.path}/`), name]));
  writeFileSync(Buffer.concat([Buffer.from(`${upper.path}/`), name, Buffer.from('/x')]), 'up');
  lutimesSync(Buffer.concat([Buffer.from(`${upper.path}/`), name]), 1, 1);
  const root = merged({}, upper);
  mergeLayer({ root, trash: `${root}.trash` }, layer({ y: '' }, { whiteouts: paths('caf\xe9/x') }));
  expect(readdirSync(Buffer.concat([Buffer.from(`${root}/`), name]))).toEqual([]);
});
