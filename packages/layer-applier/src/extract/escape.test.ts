import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { readTree, temporaryDirectory, type TarEntry } from '@boxkit/testkit';
import { stage } from './layer.fixture.ts';

const directory = (path: string): TarEntry => ({ path, type: 'directory' });
const file = (path: string): TarEntry => ({ path, content: 'escaped' });
const link = (path: string, target: string): TarEntry => ({ path, type: 'symlink', link: target });
const hardlink = (path: string, target: string): TarEntry => ({ path, type: 'hardlink', link: target });

/** Hostile layers; `OUT` stands for the absolute path of a directory outside. */
const attacks: Readonly<Record<string, readonly TarEntry[]>> = {
  'a name with ..': [file('../out/new')],
  'a name with .. behind directories': [directory('a/'), file('a/../../out/new')],
  'an absolute name': [file('OUT/new')],
  'a symlink to outside as parent': [link('d', 'OUT'), file('d/new')],
  'a relative symlink to outside as parent': [link('d', '../../../../../../../../OUT'), file('d/new')],
  'a chain of symlinks': [link('a', '..'), link('b', 'a/..'), link('c', 'b/../OUT'), file('c/new')],
  'a directory entry through a symlink': [link('d', 'OUT'), directory('d/sub/'), file('d/sub/new')],
  'a directory that becomes a symlink': [directory('d/'), file('d/x'), link('d', 'OUT'), file('d/new')],
  'a symlink written through': [link('f', 'OUT/victim'), file('f')],
  'a symlink with a directory entry over it': [link('d', 'OUT'), directory('d/'), file('d/new')],
  'a hardlink to outside': [hardlink('h', 'OUT/victim'), file('h')],
  'a hardlink through a symlink': [link('d', 'OUT'), hardlink('h', 'd/victim'), file('h')],
  'a hardlink to a symlink, written through': [link('s', 'OUT/victim'), hardlink('h', 's'), file('h')],
  'a hardlink placed through a symlink': [file('a'), link('d', 'OUT'), hardlink('d/new', 'a')],
  'a whiteout through a symlink': [link('d', 'OUT'), file('d/.wh.victim'), file('d/.wh..wh..opq')],
  'a replacement through a symlink': [link('d', 'OUT'), link('d/victim', 'x'), directory('d/victim/')],
  "the root's own parent": [link('up', '..'), file('up/new'), directory('up/..')],
  'metadata through a symlink': [
    link('s', 'OUT/victim'),
    { path: 's', type: 'symlink', link: 'OUT/victim', mode: 0o4777, uid: 9, mtime: 1 },
  ],
  'a late hardlink through a later symlink': [hardlink('h', 'd/victim'), link('d', 'OUT')],
  "an AUFS link source's name": [
    file('.wh..wh.plnk/../../../out/new'),
    hardlink('x', '.wh..wh.plnk/../../../out/victim'),
  ],
  'a device through a symlink': [link('d', 'OUT'), { path: 'd/new', type: 'char', major: 1, minor: 3 }],
};

test.each(Object.keys(attacks))('nothing outside is created, changed or removed by %s', async (name) => {
  await using home = await temporaryDirectory('escape');
  const out = join(home.path, 'out');
  await mkdir(out);
  await writeFile(join(out, 'victim'), 'untouched');
  const before = await readTree(out);
  const entries = (attacks[name] ?? []).map((entry) => ({
    ...entry,
    path: String(entry.path).replace('OUT', out),
    ...(entry.link === undefined ? {} : { link: String(entry.link).replace('OUT', out) }),
  }));
  for (const whiteouts of ['record', 'overlay'] as const) {
    const outcome = await stage(home.path, entries, { whiteouts }).then(
      () => 'done',
      (error: { code: string }) => error.code,
    );
    expect(outcome).toMatch(/^done$|^ERR_BOX_LAYER_(?:UNSAFE|INVALID)$/);
  }
  expect(await readTree(out)).toEqual(before);
  expect((await readdir(home.path)).filter((entry) => entry !== 'out' && !entry.startsWith('layer-'))).toEqual([]);
  expect(await readFile(join(out, 'victim'), 'utf8')).toBe('untouched');
});

test('a second process that swaps directories for symlinks gets nothing written outside', async () => {
  await using home = await temporaryDirectory('race');
  const out = join(home.path, 'out');
  await mkdir(join(out, 'sub'), { recursive: true });
  const swapper = spawn(process.execPath, ['-e', swap, home.path, out], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(swapper.stdout, 'data');
  try {
    const entries: TarEntry[] = [];
    for (let i = 0; i < 1200; i++)
      entries.push(
        directory(`d/sub/${i % 40}`),
        file(`d/sub/${i % 40}/f${i}`),
        directory(`e${i % 7}/`),
        file(`e${i % 7}/x`),
        file('d/y'),
      );
    const outcomes = new Set<string>();
    for (let round = 0; round < 2; round++) {
      const code = await stage(home.path, entries).then(
        () => 'done',
        (error: { code: string }) => error.code,
      );
      outcomes.add(code);
    }
    expect([...outcomes].filter((code) => code !== 'done' && code !== 'ERR_BOX_EXTRACT_FAILED')).toEqual([]);
    expect(await readdir(out)).toEqual(['sub']);
    expect(await readdir(join(out, 'sub'))).toEqual([]);
  } finally {
    swapper.kill();
    await once(swapper, 'exit');
  }
});

/** Puts a symlink to outside in the place of every directory `d`, and takes it back, as fast as it can. */
const swap = `
const { readdirSync, renameSync, symlinkSync, unlinkSync } = require('node:fs');
const [home, out] = process.argv.slice(1);
console.log('ready');
const parent = process.ppid;
// Ends with the test, even when that is killed.
for (const end = Date.now() + 50_000; Date.now() < end && process.ppid === parent; ) {
  for (const layer of readdirSync(home)) {
    if (!layer.startsWith('layer-')) continue;
    for (const name of ['d', 'd/sub']) {
      const path = home + '/' + layer + '/tree/' + name;
      try {
        renameSync(path, path + '-aside');
        symlinkSync(out, path);
        unlinkSync(path);
        renameSync(path + '-aside', path);
      } catch {}
    }
  }
}`;

test('what is removed to make room is removed without following symlinks', async () => {
  await using home = await temporaryDirectory('escape');
  const out = join(home.path, 'out');
  await mkdir(out);
  await writeFile(join(out, 'victim'), 'untouched');
  await symlink(out, join(home.path, 'x'));
  await rename(join(home.path, 'x'), join(home.path, 'y'));
  const staged = await stage(home.path, [
    directory('d/e/'),
    link('d/e/s', out),
    link('d/t', '../../../out'),
    file('d'),
  ]);
  expect(await readdir(staged.path)).toEqual(['d']);
  expect(await readdir(out)).toEqual(['victim']);
  await rm(staged.path, { recursive: true });
});
