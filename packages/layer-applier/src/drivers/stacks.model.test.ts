import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyModel, requireRoot } from '@boxkit/testkit';
import { imageOf } from './image.fixture.ts';
import { overlayDriver } from './overlay-driver.ts';
import { different, openStackPlace, requireSame, type StackPlace } from './stack-trees.fixture.ts';
import { buildStack, stacks } from './stacks.fixture.ts';

/** More by hand: BOX_STACKS=10000. */
const numRuns = Number(process.env['BOX_STACKS'] ?? 80);

let place: StackPlace;
beforeAll(async () => {
  place = await openStackPlace();
});
afterAll(() => place[Symbol.asyncDispose]());

test('random stacks: the merge driver makes what the model says', { timeout: 300_000 }, async (context) => {
  requireRoot(context);
  let applied = 0;
  await fc.assert(
    fc.asyncProperty(stacks, async (layers) => {
      const model = applyModel(layers);
      if (model !== undefined) applied += 1;
      requireSame(layers, different(model, await place.unpacked(imageOf(buildStack(layers)))));
    }),
    { numRuns, interruptAfterTimeLimit: 200_000 },
  );
  expect(applied).toBeGreaterThan(numRuns / 3);
});

test('random stacks: the overlay driver shows what the model says', { timeout: 300_000 }, async (context) => {
  requireRoot(context);
  await fc.assert(
    fc.asyncProperty(stacks, async (layers) => {
      const shown = await place.mounted(overlayDriver(), imageOf(buildStack(layers)));
      requireSame(layers, different(applyModel(layers), shown));
    }),
    { numRuns: Math.ceil(numRuns / 3), interruptAfterTimeLimit: 200_000 },
  );
});
