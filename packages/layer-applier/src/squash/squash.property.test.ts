import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseDiffId, type Image } from '@boxkit/contracts';
import { buildLayer, opaque, type BuiltLayer, requireTool, runCommand, type TarEntry } from '@boxkit/testkit';
import { imageOf } from '../drivers/image.fixture.ts';
import { different, openStackPlace, requireSame, type StackPlace } from '../drivers/stack-trees.fixture.ts';
import { buildStack, stacks } from '../drivers/stacks.fixture.ts';
import { openIndexedImage } from '../indexed/open-indexed-image.ts';
import { squashLayers } from './squash-layers.ts';

/** More by hand: BOX_STACKS=1000. */
const numRuns = Number(process.env['BOX_STACKS'] ?? 15);

let place: StackPlace;
beforeAll(async () => {
  place = await openStackPlace();
});
afterAll(() => place[Symbol.asyncDispose]());

async function squashed(image: Image, from: number): Promise<BuiltLayer> {
  const staging = place.fresh();
  await mkdir(staging);
  const indexed = await openIndexedImage(image, place.context());
  const signal = new AbortController().signal;
  const chunks: Uint8Array[] = [];
  for await (const chunk of squashLayers({ image, indexed, from, staging, signal })) chunks.push(chunk);
  const tar = Buffer.concat(chunks);
  return { ...buildLayer(tar, { compression: 'none' }), diffId: parseDiffId(`sha256:${sha256(tar)}`) };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A layer of the stack as it was, and the others as one. */
async function check(layers: readonly (readonly TarEntry[])[], from: number): Promise<boolean> {
  const built = buildStack(layers);
  const image = imageOf(built);
  const original = await place.unpacked(image);
  if (original === undefined) return false;
  const one = await squashed(image, from);
  const made = await place.unpacked(imageOf([...built.slice(0, from), one]));
  requireSame(layers, different(original, made));
  return true;
}

test('random stacks: one layer of all shows what they show', { timeout: 300_000 }, async () => {
  let unpacked = 0;
  await fc.assert(
    fc.asyncProperty(stacks, async (layers) => {
      if (await check(layers, 0)) unpacked += 1;
    }),
    { numRuns, endOnFailure: true },
  );
  expect(unpacked).toBeGreaterThan(numRuns / 4);
});

test(
  'random stacks: one layer of the upper ones shows what they show above the lower ones',
  { timeout: 300_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(stacks, fc.nat(), async (layers, pick) => {
        await check(layers, pick % layers.length);
      }),
      { numRuns: numRuns * 2, endOnFailure: true },
    );
  },
);

test('layers that hide all below them and say nothing of the root itself hide it as one layer, too', async () => {
  const stack: readonly (readonly TarEntry[])[] = [
    [{ path: 'low', content: '' }],
    [opaque('.'), { path: 'up', content: '' }],
  ];
  expect(await check(stack, 1)).toBe(true);
});

test('GNU tar reads what is written, holes, long names and all', async (context) => {
  requireTool(context, 'tar');
  const long = `${'deep/'.repeat(40)}${'n'.repeat(120)}`;
  const image = imageOf([
    buildLayer([
      { path: long, content: 'x', mtime: '1700000000.123456789', xattrs: { 'user.x': '1' } },
      { path: 'first', content: 'same' },
      { path: 'second', type: 'hardlink', link: 'first' },
      { path: 'huge-id', content: '', uid: 3_000_000_000, gid: 4_000_000 },
    ]),
    buildLayer([
      { path: 'first', content: 'other' },
      { path: 'third', type: 'hardlink', link: 'second' },
    ]),
  ]);
  const { tar } = await squashed(image, 0);
  const file = place.fresh();
  await runCommand('sh', ['-c', 'cat > "$1"', 'sh', file], { input: tar });
  const { stdout } = await runCommand('tar', ['-tvf', file, '--numeric-owner', '--full-time']);
  expect(stdout).toContain(long);
  expect(stdout).toContain('third link to second');
  expect(stdout).toContain('3000000000/4000000');
});
