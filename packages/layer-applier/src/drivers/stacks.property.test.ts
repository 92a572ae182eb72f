import { mkdirSync } from 'node:fs';
import { join } from 'node:path/posix';
import * as fc from 'fast-check';
import { afterAll, beforeAll, test } from 'vitest';
import type { Image } from '@boxkit/contracts';
import { buildImage, requireTool, tryCommand, writeOciLayout, type TarEntry } from '@boxkit/testkit';
import { removeTree } from '../remove-tree.ts';
import { imageOf } from './image.fixture.ts';
import { overlayDriver } from './overlay-driver.ts';
import { different, openStackPlace, requireSame, type StackPlace } from './stack-trees.fixture.ts';
import { buildStack, stacks } from './stacks.fixture.ts';

/** More by hand: BOX_STACKS=1000. */
const numRuns = Number(process.env['BOX_STACKS'] ?? 20);

let place: StackPlace;
beforeAll(async () => {
  place = await openStackPlace();
});
afterAll(() => place[Symbol.asyncDispose]());

test(
  'random stacks: what overlayfs shows of the kept layers is what the merge makes',
  { timeout: 300_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(stacks, async (layers) => {
        const image = imageOf(buildStack(layers));
        requireSame(layers, different(await place.unpacked(image), await place.mounted(overlayDriver(), image)));
      }),
      { numRuns, endOnFailure: true },
    );
  },
);

test('random stacks: the merge makes what umoci makes', { timeout: 300_000 }, async (testContext) => {
  requireTool(testContext, 'umoci');
  await fc.assert(
    fc.asyncProperty(stacks, async (layers) => {
      fc.pre(!hasHardlinkToLaterFile(layers) && !hidesImpliedDirectory(layers) && !hangsOnTarOrder(layers));
      const built = buildStack(layers);
      const ours = await place.unpacked(imageOf(built));
      // Times of implied directories are nowhere specified, and umoci refuses what replaces an ancestor that is a file.
      const theirs = await place.treeOf((path) => unpackWithUmoci(path, layers));
      if (ours !== undefined && theirs !== undefined) {
        requireSame(layers, different(ours, theirs, ['mtime']));
      }
    }),
    { numRuns, endOnFailure: true },
  );
});

test('random stacks: layers that finish in any order give the same tree', { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(stacks, fc.infiniteStream(fc.integer({ min: 0, max: 15 })), async (layers, delays) => {
      const image = imageOf(buildStack(layers));
      const late: Image = {
        ...image,
        blobs: {
          ...image.blobs,
          open(descriptor) {
            const { value: delay } = delays.next();
            return {
              path: undefined,
              async *[Symbol.asyncIterator]() {
                await new Promise((resolve) => setTimeout(resolve, delay));
                yield* image.blobs.open(descriptor);
              },
            };
          },
        },
      };
      requireSame(layers, different(await place.unpacked(image), await place.unpacked(late)));
    }),
    { numRuns: Math.ceil(numRuns / 2), endOnFailure: true },
  );
});

async function unpackWithUmoci(path: string, layers: readonly (readonly TarEntry[])[]): Promise<void> {
  const layout = place.fresh();
  mkdirSync(layout);
  await writeOciLayout(layout, [{ document: buildImage({ layers: buildStack(layers) }), name: 'tag' }]);
  const { code, stderr } = await tryCommand('umoci', ['raw', 'unpack', '--image', `${layout}:tag`, path]);
  await removeTree(layout);
  if (code !== 0) throw Object.assign(new Error(stderr), { code: 'ERR_BOX_LAYER_INVALID' });
}

/**
 * A whiteout of a directory that its own layer has only by implication: umoci keeps the lower directory's attributes;
 * to box, as to overlayfs, the lower directory is hidden whole.
 */
function hidesImpliedDirectory(layers: readonly (readonly TarEntry[])[]): boolean {
  return layers.some((entries) => {
    const hidden = entries.map(({ path }) => String(path)).filter((path) => path.includes('.wh.'));
    return hidden.some((mark) => {
      const name = mark.replace('.wh.', '');
      return entries.some(({ path }) => String(path).startsWith(`${name}/`));
    });
  });
}

/**
 * A layer with an entry for a directory that comes after something else of its name, or, where a lower layer may have a
 * symlink there, after something in it: to umoci what stood there before counts, to box what the layer ends with. Two of
 * the rules in testkit tell of it.
 */
function hangsOnTarOrder(layers: readonly (readonly TarEntry[])[]): boolean {
  const spelled = ({ path }: TarEntry): string => join('/', Buffer.from(path).toString('latin1'), '.');
  return layers.some((entries, layer) => {
    const mayBeSymlink = layers.slice(0, layer).some((lower) => lower.some(({ type }) => type === 'symlink'));
    return entries.some((entry, at) => {
      if (entry.type !== 'directory') return false;
      const path = spelled(entry);
      return entries.slice(0, at).some((one) => {
        const before = spelled(one);
        return before === path ? one.type !== 'directory' : mayBeSymlink && before.startsWith(`${path}/`);
      });
    });
  });
}

/** umoci links to the lower layer's file if it has one; box to the one of the same layer, which comes later. */
function hasHardlinkToLaterFile(layers: readonly (readonly TarEntry[])[]): boolean {
  return layers.some((entries) =>
    entries.some(
      ({ type, link }, at) => type === 'hardlink' && entries.slice(at + 1).some(({ path }) => path === link),
    ),
  );
}
