import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '@boxkit/testkit';
import { pathFromText, type BytePath } from '../byte-path.ts';
import { layerOf, sha256, stage } from '../extract/layer.fixture.ts';
import { IndexWriter } from './index-writer.ts';
import { readIndex, readStagedLayer } from './read-index.ts';

const fields = {
  mode: 0o644,
  uid: 1,
  gid: 2,
  size: 3,
  seconds: -4,
  nanoseconds: 5,
  major: 6,
  minor: 7,
  offset: 2 ** 40,
};

test('a staged layer is read back from its directory', async () => {
  await using directory = await temporaryDirectory('index');
  const staged = await stage(directory.path, [
    { path: 'implied/a', content: 'x' },
    { path: '.wh.gone', content: '' },
    { path: 'h', type: 'hardlink', link: 'lower' },
    { path: Buffer.from([0xff]), content: '' },
  ]);
  expect(readStagedLayer(staged.layer, join(staged.path, '..'))).toEqual(staged);
});

test("the index of another layer is not taken for this one's", async () => {
  await using directory = await temporaryDirectory('index');
  const staged = await stage(directory.path, []);
  expect(() => readStagedLayer(layerOf(Buffer.from('x')), join(staged.path, '..'))).toThrow(
    expect.objectContaining({ code: 'ERR_BOX_STORE_CORRUPT' }),
  );
});

test('an entry has all that the tar said, whatever the tree could hold', async () => {
  await using directory = await temporaryDirectory('index');
  const staged = await stage(
    directory.path,
    [
      { path: 'd/', type: 'directory', mode: 0o1755, uid: 9 },
      { path: 'd/f', content: 'content', mtime: '1.5', xattrs: { 'user.a': '1' } },
      { path: 'd/dev', type: 'block', major: 8, minor: 1 },
      { path: 'd/h', type: 'hardlink', link: 'd/f' },
      { path: 'd/s', type: 'symlink', link: '../x' },
    ],
    { privileged: false, ownership: 'single', contentDigests: true },
  );
  const entries = [...readIndex(staged.index)];
  expect(entries.map(({ path, type, link }) => [path, type, link])).toEqual([
    ['d', 'directory', ''],
    ['d/f', 'file', ''],
    ['d/dev', 'block-device', ''],
    ['d/h', 'hardlink', 'd/f'],
    ['d/s', 'symlink', '../x'],
  ]);
  expect(entries[0]).toMatchObject({ mode: 0o1755, uid: 9, offset: 0 });
  expect(entries[1]).toMatchObject({
    size: 7,
    mtime: { seconds: 1, nanoseconds: 500_000_000 },
    digest: sha256(Buffer.from('content')),
    offset: 512,
  });
  expect(entries[1]?.xattrs).toEqual(new Map([['user.a', Uint8Array.from(Buffer.from('1'))]]));
  expect(entries[2]).toMatchObject({ major: 8, minor: 1, made: false });
});

test('many records, and long ones, are read in pieces', async () => {
  await using directory = await temporaryDirectory('index');
  const path = join(directory.path, 'index');
  const writer = new IndexWriter(path);
  const huge = new Map([['user.huge', new Uint8Array(600_000).fill(7)]]);
  for (let i = 0; i < 20_000; i++) {
    writer.add('file', pathFromText(`directory/file-${i}`), { ...fields, xattrs: i % 5000 === 77 ? huge : undefined });
  }
  writer.finish(() => summary);
  writer.close();
  let count = 0;
  let long = 0;
  for (const entry of readIndex(path)) {
    expect(entry.path).toBe(`directory/file-${count++}`);
    long += entry.xattrs?.get('user.huge')?.length ?? 0;
  }
  expect(count).toBe(20_000);
  expect(long).toBe(4 * 600_000);
});

test('records that a later entry voids are dropped; whiteouts are not', async () => {
  await using directory = await temporaryDirectory('index');
  const path = join(directory.path, 'index');
  const writer = new IndexWriter(path);
  const add = (type: 'file' | 'directory' | 'whiteout', text: string): void =>
    writer.add(type, pathFromText(text), { ...fields, xattrs: undefined });
  add('file', 'a');
  add('directory', 'd');
  add('file', 'd/x');
  add('whiteout', 'd/x');
  add('file', 'dx');
  writer.replace('a' as BytePath, false);
  add('file', 'a');
  writer.replace('d' as BytePath, true);
  add('file', 'd');
  writer.finish(({ entries, bytes }) => {
    expect([entries, bytes]).toEqual([4, 9]);
    return summary;
  });
  writer.close();
  expect([...readIndex(path)].map(({ type, path }) => `${type} ${path}`)).toEqual([
    'whiteout d/x',
    'file dx',
    'file a',
    'file d',
  ]);
});

test('an index that was cut off or is none is an error', async () => {
  await using directory = await temporaryDirectory('index');
  const staged = await stage(directory.path, [{ path: 'a', content: '' }]);
  const corrupt = expect.objectContaining({ code: 'ERR_BOX_STORE_CORRUPT' }) as Error;
  truncateSync(staged.index, 100);
  expect(() => [...readIndex(staged.index)]).toThrow(corrupt);
  writeFileSync(staged.index, 'x');
  expect(() => [...readIndex(staged.index)]).toThrow(corrupt);
});

const summary = {
  diffId: sha256(Buffer.alloc(0)),
  entries: 0,
  bytes: 0,
  tarBytes: 0,
  whiteouts: [],
  opaques: [],
  impliedDirectories: [],
  deferredHardlinks: [],
  rootEntry: false,
  warnings: [],
};
