import { gzipSync, zstdCompressSync } from 'node:zlib';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { paxBlock, readTree, writeTar } from '@boxkit/testkit';
import { isBoxError } from '@boxkit/contracts';
import { readIndex } from '../layer-index/read-index.ts';
import { createBudgets } from './budgets.ts';
import { stage } from './layer.fixture.ts';

/** Repeatable random numbers (mulberry32), so that a failure can be run again by its seed. */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const interesting = [
  '..',
  '/',
  '.wh.',
  '.wh..wh..opq',
  '\0',
  '0',
  '7777777',
  '99999999999',
  'x',
  'g',
  'L',
  'K',
  'S',
  'GNU.sparse.map=0,1',
  'size=',
  '\xff\xff\xff\xff',
  '\x80\0\0\0\0\0\0\0',
];

const sparsePax = {
  'GNU.sparse.major': '1',
  'GNU.sparse.minor': '0',
  'GNU.sparse.name': 'sp',
  'GNU.sparse.realsize': '2000',
};
const sparseMap = Buffer.concat([Buffer.from('1\n100\n5\n'.padEnd(512, '\0')), Buffer.from('hello')]);

const seeds: readonly Buffer[] = [
  writeTar([
    { path: './', type: 'directory' },
    { path: 'usr/', type: 'directory', mode: 0o555 },
    { path: 'usr/bin/tool', content: 'x'.repeat(600), mode: 0o4755, uid: 1 },
    { path: 'bin', type: 'symlink', link: 'usr/bin' },
    { path: 'bin/other', type: 'hardlink', link: 'usr/bin/tool' },
    { path: 'n'.repeat(150), content: 'y', xattrs: { 'user.x': 'v' } },
    { path: 'etc/.wh.gone', content: '' },
    { path: 'var/.wh..wh..opq', content: '' },
    { path: 'pipe', type: 'fifo' },
    { path: 'sp', content: sparseMap, pax: sparsePax },
    { path: 'z', content: 'end' },
  ]),
  writeTar(
    [
      { path: 'long/'.repeat(30), type: 'directory' },
      { path: `${'long/'.repeat(30)}file`, content: 'x', mtime: -1, uid: 3_000_000 },
      { path: 'link', type: 'symlink', link: 'long/'.repeat(30) },
      { path: 'old-sparse', typeflag: 'S', content: 'abc' },
    ],
    { format: 'gnu' },
  ),
  writeTar([
    { raw: Buffer.concat(paxBlock('g', { mtime: '5', uid: '7' })) },
    { path: 'a', content: '' },
    { path: 'b/', type: 'directory' },
  ]),
];

/** One tar that was damaged in a few places; the checksums are mended most of the time, so that the damage is read. */
export function mutate(random: (below: number) => number): Buffer {
  let tar = Buffer.from(seeds[random(seeds.length)] as Buffer);
  for (let i = 1 + random(6); i > 0; i--) {
    const at = random(tar.length);
    const kind = random(6);
    if (kind === 0) tar[at] = random(256);
    else if (kind === 1) tar[at] = (tar[at] ?? 0) ^ (1 << random(8));
    else if (kind === 2) tar.write(interesting[random(interesting.length)] as string, at, 'latin1');
    else if (kind === 3)
      tar = Buffer.concat([tar.subarray(0, at), tar.subarray(Math.min(tar.length, at + 512 * random(4)))]);
    else if (kind === 4) {
      const from = 512 * random(tar.length / 512);
      tar = Buffer.concat([
        tar.subarray(0, from),
        tar.subarray(at - (at % 512), at - (at % 512) + 512 * (1 + random(3))),
        tar.subarray(from),
      ]);
    } else {
      const block = 512 * random(Math.max(1, Math.floor(tar.length / 512)));
      const field = [0, 100, 108, 124, 136, 156, 157, 257, 345][random(9)] as number;
      if (block + 512 <= tar.length)
        tar.write(interesting[random(interesting.length)] as string, block + field, 'latin1');
    }
    if (tar.length === 0) tar = Buffer.alloc(512);
  }
  if (random(8) > 0) mendChecksums(tar);
  return tar;
}

function mendChecksums(tar: Buffer): void {
  for (let at = 0; at + 512 <= tar.length; at += 512) {
    if (tar.toString('latin1', at + 257, at + 262) !== 'ustar') continue;
    tar.fill(0x20, at + 148, at + 156);
    const sum = tar.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
    tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
  }
}

const known = new Set([
  'ERR_BOX_LAYER_INVALID',
  'ERR_BOX_LAYER_UNSAFE',
  'ERR_BOX_LAYER_UNSUPPORTED',
  'ERR_BOX_BUDGET_EXCEEDED',
]);

/**
 * Extracts one mutant below `home` and looks at what became of it: a tree whose index agrees with it or one of the
 * errors that a hostile layer may cause, a victim beside it untouched. Gives what is wrong, or undefined.
 */
export async function tryMutant(home: string, seed: number): Promise<string | undefined> {
  const random = randomNumbers(seed);
  const tar = mutate(random);
  const parent = await mkdtemp(join(home, 'mutant-'));
  await mkdir(join(parent, 'layers'));
  const wrap = [(bytes: Buffer) => bytes, gzipSync, zstdCompressSync][random(3)] as (bytes: Buffer) => Buffer;
  const whiteouts = (['record', 'overlay'] as const)[random(2)];
  try {
    const budgets = createBudgets({ bytes: 2 ** 26, entries: 1000, headerBytes: 2 ** 16 });
    const staged = await stage(join(parent, 'layers'), tar, {
      blob: wrap(tar),
      budgets,
      whiteouts: whiteouts ?? 'record',
    });
    const tree = await readTree(staged.path);
    const indexed = new Set<string>();
    for (const { path, made, type } of readIndex(staged.index)) if (made && type !== 'opaque') indexed.add(path);
    const missing = [...tree.keys()].find(
      (path) => path !== '.' && !indexed.has(path) && (whiteouts === 'record' || tree.get(path)?.type !== 'char'),
    );
    if (missing !== undefined) return `${missing} is in the tree and not in the index`;
    const absent = [...indexed].find((path) => path !== '' && !tree.has(path));
    if (absent !== undefined) return `${absent} is in the index and not in the tree`;
  } catch (error) {
    if (!isBoxError(error) || !known.has(error.code)) return String((error as Error).stack);
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
  return (await readFile(join(home, 'victim'), 'utf8')) === 'untouched' ? undefined : 'the victim was changed';
}
