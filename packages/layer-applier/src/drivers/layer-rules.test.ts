import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  buildLayer,
  folderOf,
  layerRules,
  requireRoot,
  tarsOfAll,
  unlike,
  writeTar,
  type BuiltLayer,
  type ShownByStack,
} from '@boxkit/testkit';
import { imageOf } from './image.fixture.ts';
import { overlayDriver } from './overlay-driver.ts';
import { openStackPlace, type StackPlace } from './stack-trees.fixture.ts';

/** The rules that a stack of layers shows, by their names. */
const stacks: readonly (readonly [rule: string, stack: ShownByStack])[] = Object.values(layerRules)
  .flat()
  .flatMap(({ rule, shown }) => ('layers' in shown ? [[rule, shown] as const] : []));

let place: StackPlace;
beforeAll(async () => {
  place = await openStackPlace();
});
afterAll(() => place[Symbol.asyncDispose]());

function layersOf({ layers, format }: ShownByStack): BuiltLayer[] {
  return layers.map((entries) =>
    buildLayer(writeTar(entries, format === undefined ? {} : { format }), { compression: 'none' }),
  );
}

test.for(stacks)('merged: %s', async ([, stack], context) => {
  requireRoot(context);
  const made = await place.unpacked(imageOf(layersOf(stack)));
  expect(made === undefined).toBe(stack.fails !== undefined);
  expect(unlike(made ?? new Map(), stack)).toEqual([]);
});

test('the same in a mounted overlay', async (context) => {
  requireRoot(context);
  const shown = stacks.map(([, stack]) => stack).filter(({ notInOverlay }) => notInOverlay === undefined);
  for (const stack of shown.filter(({ isApart, fails }) => isApart === true || fails !== undefined)) {
    const tree = await place.mounted(overlayDriver(), imageOf(layersOf(stack)));
    expect(tree === undefined).toBe(stack.fails !== undefined);
    expect(unlike(tree ?? new Map(), stack)).toEqual([]);
  }
  const together = shown.filter(({ isApart, fails }) => isApart !== true && fails === undefined);
  const tars = tarsOfAll(together).map((tar) => buildLayer(tar, { compression: 'none' }));
  const tree = await place.mounted(overlayDriver(), imageOf(tars));
  expect(together.flatMap((stack, at) => unlike(tree ?? new Map(), stack, folderOf(at)))).toEqual([]);
});

test('layers in every compression make one tree', async (context) => {
  requireRoot(context);
  const entries = ['a', 'b', 'c', 'd'].map((path) => [{ path, content: path }]);
  const half = writeTar(entries[3] ?? []);
  const members = Buffer.concat([gzipSync(half.subarray(0, 700)), gzipSync(half.subarray(700)), gzipSync('')]);
  const built = (['none', 'gzip', 'zstd', 'none'] as const).map((compression, at) =>
    buildLayer(entries[at] ?? [], { compression }),
  );
  const last = buildLayer(members, { compression: 'none' });
  const whole = { ...last, diffId: buildLayer(half).diffId };
  const tree = await place.unpacked(imageOf([...built.slice(0, 3), whole]));
  expect([...(tree?.keys() ?? [])]).toEqual(['.', 'a', 'b', 'c', 'd']);
});
