import { readTree, requireRoot, temporaryDirectory, buildLayer, differences } from '@boxkit/testkit';
import { openStore } from '@boxkit/store';
import * as fc from 'fast-check';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { imageOf } from '../drivers/image.fixture.ts';
import { mergeDriver } from '../drivers/merge-driver.ts';
import { stacks } from '../drivers/stacks.fixture.ts';
import { removeTree } from '../remove-tree.ts';
import { diffTrees } from './diff-trees.ts';
import { packTree } from './pack-tree.ts';
import type { BytePath } from '../byte-path.ts';

/** Unpacks layers into directories, and packs directories into layers. */
async function workshop() {
  const place = await temporaryDirectory('diff');
  const store = await openStore({ home: join(place.path, 'home'), removeTree });
  let count = 0;
  const context = {
    store,
    signal: new AbortController().signal,
    logger: { debug: () => {}, warn: () => {} },
    emit: () => {},
    defer: () => {},
  };
  return {
    /** Undefined for a stack that no image can have. */
    async unpack(layers: readonly Parameters<typeof buildLayer>[0][]): Promise<string | undefined> {
      const directory = join(place.path, `tree-${(count += 1)}`);
      try {
        const built = layers.map((layer) => buildLayer(layer, { compression: 'none' }));
        await mergeDriver().prepare(imageOf(built), context, { directory });
        return directory;
      } catch (error) {
        if (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_BOX_LAYER_'))
          return undefined;
        throw error;
      }
    },
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await removeTree(place.path);
    },
  };
}

const onWarning = (): void => {};
const pack = (tree: string): Buffer =>
  Buffer.concat([...packTree(tree, { at: '' as BytePath, owner: 'keep', onWarning })]);

test('a tree that is packed and unpacked is the same tree', async (context) => {
  requireRoot(context);
  await using shop = await workshop();
  await fc.assert(
    fc.asyncProperty(stacks, async (layers) => {
      const tree = await shop.unpack(layers);
      if (tree === undefined) return;
      const again = await shop.unpack([pack(tree)]);
      const except = differences(await readTree(tree), await readTree(again ?? ''));
      expect(except.filter((line) => !line.startsWith('.:'))).toEqual([]);
    }),
    { numRuns: 12 },
  );
}, 120_000);

test('a base and what differs from it, applied in turn, are the tree that differed', async (context) => {
  requireRoot(context);
  await using shop = await workshop();
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(stacks, stacks, fc.boolean(), async (below, above, isRelated) => {
      const base = await shop.unpack(below);
      const changed = await shop.unpack(isRelated ? [...below, ...above] : above);
      if (base === undefined || changed === undefined) return;
      const layer = Buffer.concat([...diffTrees(base, changed, { onWarning })]);
      const result = await shop.unpack([pack(base), layer]);
      const [wanted, got] = [await readTree(changed), await readTree(result ?? '')];
      // A tree that goes to the root has no entry of its own for it.
      expect(differences(got, wanted).filter((line) => !line.startsWith('.:'))).toEqual([]);
      compared++;
    }),
    { numRuns: 24 },
  );
  // How many of the drawn stacks no image can have hangs on the seed.
  expect(compared).toBeGreaterThan(0);
}, 180_000);

test('nothing differs between a tree and its copy', async (context) => {
  requireRoot(context);
  await using shop = await workshop();
  await fc.assert(
    fc.asyncProperty(stacks, async (layers) => {
      const tree = await shop.unpack(layers);
      if (tree === undefined) return;
      const copy = (await shop.unpack([pack(tree)])) ?? '';
      // The root has no entry, so its copy is as new as its unpacking.
      const names = [...diffTrees(tree, copy, { onWarning })];
      expect(Buffer.concat(names).length).toBeLessThanOrEqual(2048 + 512);
    }),
    { numRuns: 6 },
  );
}, 120_000);
