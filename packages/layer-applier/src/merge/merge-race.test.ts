import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MediaType, parseDiffId, parseDigest, type ChainId } from '@boxkit/contracts';
import { temporaryDirectory } from '@boxkit/testkit';
import type { BytePath } from '../byte-path.ts';
import { mergeLayer, type MergeLayer } from './merge-layer.ts';

/** Puts a symlink that leads outside in the place of a directory of the root, and takes it away again, as fast as it can. */
const swapper = `
const fs = require('node:fs');
const [directory, outside] = process.argv.slice(1);
const tolerate = (act) => { try { act(); } catch {} };
process.stdout.write('ready');
for (;;) {
  tolerate(() => fs.renameSync(directory, directory + '.away'));
  tolerate(() => fs.symlinkSync(outside, directory));
  tolerate(() => fs.unlinkSync(directory));
  tolerate(() => fs.renameSync(directory + '.away', directory));
}`;

const digest = `sha256:${'0'.repeat(64)}`;

test('a process that swaps directories for symlinks meanwhile leads nothing outside', async () => {
  await using place = await temporaryDirectory('race');
  const [outside, root] = [join(place.path, 'outside'), join(place.path, 'root')];
  for (const path of [outside, join(root, 'd/sub')]) mkdirSync(path, { recursive: true });
  for (const name of ['kept', 'hidden', 'f1', 'f2']) writeFileSync(join(outside, name), 'mine');
  const child = spawn(process.execPath, ['-e', swapper, join(root, 'd'), outside], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    await new Promise((resolve) => child.stdout.once('data', resolve));
    for (let turn = 0; turn < 150; turn += 1) mergeOnce(place.path, root, turn);
  } finally {
    child.kill('SIGKILL');
  }
  expect(readdirSync(outside).toSorted()).toEqual(['f1', 'f2', 'hidden', 'kept']);
  expect(['f1', 'hidden'].map((name) => readFileSync(join(outside, name), 'utf8'))).toEqual(['mine', 'mine']);
});

function mergeOnce(place: string, root: string, turn: number): void {
  const path = join(place, `layer-${turn}`);
  mkdirSync(join(path, 'd/sub'), { recursive: true });
  for (const name of ['d/f1', 'd/f2', 'd/sub/x']) writeFileSync(join(path, name), `turn ${turn}`);
  const layer: MergeLayer = {
    layer: {
      descriptor: { mediaType: MediaType.ociLayer, digest: parseDigest(digest), size: 0 },
      diffId: parseDiffId(digest),
      chainId: digest as ChainId,
    },
    path,
    whiteouts: ['d/hidden'] as string[] as BytePath[],
    opaques: turn % 3 === 0 ? (['d/sub'] as string[] as BytePath[]) : [],
    impliedDirectories: turn % 2 === 0 ? (['d', 'd/sub'] as string[] as BytePath[]) : [],
    deferredHardlinks: [],
    rootEntry: false,
  };
  try {
    mergeLayer({ root, trash: join(place, 'trash') }, layer);
  } catch {
    // A root that is pulled about may fail to merge; it may not lead outside.
  }
}
