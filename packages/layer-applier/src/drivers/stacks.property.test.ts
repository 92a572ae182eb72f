import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, test } from 'vitest';
import type { Image, RootfsDriver, StageContext } from '@boxkit/contracts';
import { openStore, type DiskStore } from '@boxkit/store';
import {
  buildImage,
  differences,
  inRootfs,
  readTree,
  requireTool,
  temporaryDirectory,
  tryCommand,
  writeOciLayout,
  type TarEntry,
  type TemporaryDirectory,
  type Tree,
} from '@boxkit/testkit';
import { removeTree } from '../remove-tree.ts';
import { imageOf } from './image.fixture.ts';
import { mergeDriver } from './merge-driver.ts';
import { overlayDriver } from './overlay-driver.ts';
import { buildStack, showStack, stacks } from './stacks.fixture.ts';

/** More by hand: BOX_STACKS=1000. */
const numRuns = Number(process.env['BOX_STACKS'] ?? 20);

let place: TemporaryDirectory;
let store: DiskStore;
beforeAll(async () => {
  place = await temporaryDirectory('stacks');
  store = await openStore({ home: join(place.path, 'home'), removeTree });
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
  await removeTree(place.path);
});

const context = (): StageContext => ({
  store,
  signal: new AbortController().signal,
  logger: { debug: () => {}, warn: () => {} },
  emit: () => {},
  defer: () => {},
});

let count = 0;
const fresh = (): string => join(place.path, `tree-${(count += 1)}`);

/** The tree that an act leaves at a path, or undefined when it fails: hardlinks to nowhere, say. */
async function treeOf(act: (path: string) => Promise<unknown>): Promise<Tree | undefined> {
  const path = fresh();
  try {
    await act(path);
    return await readTree(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && /^ERR_BOX_(LAYER|EXTRACT)_/.test(String(error.code)))
      return undefined;
    throw error;
  } finally {
    await removeTree(path);
  }
}

const unpacked = (image: Image): Promise<Tree | undefined> =>
  treeOf((directory) => mergeDriver().prepare(image, context(), { directory }));

async function mounted(driver: RootfsDriver, image: Image): Promise<Tree | undefined> {
  await using container = await store.containers.create({});
  const tree = await treeOf(async (path) => {
    const rootfs = await driver.prepare(image, context(), { containerPath: container.path });
    await inRootfs(rootfs, `cp -a . '${path}'`);
  });
  return tree;
}

/** The root of an image that says nothing of it is as new as its unpacking. */
const different = (left: Tree | undefined, right: Tree | undefined, ignore: 'mtime'[] = []): string[] => {
  if (left === undefined || right === undefined) return left === right ? [] : ['only one of the two fails'];
  return differences(left, right, { ignore }).filter((line) => !line.startsWith('.: mtime'));
};

test(
  'random stacks: what overlayfs shows of the kept layers is what the merge makes',
  { timeout: 300_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(stacks, async (layers) => {
        const image = imageOf(buildStack(layers));
        requireSame(layers, different(await unpacked(image), await mounted(overlayDriver(), image)));
      }),
      { numRuns, endOnFailure: true },
    );
  },
);

test('random stacks: the merge makes what umoci makes', { timeout: 300_000 }, async (testContext) => {
  requireTool(testContext, 'umoci');
  await fc.assert(
    fc.asyncProperty(stacks, async (layers) => {
      fc.pre(!hasHardlinkToLaterFile(layers) && !hidesImpliedDirectory(layers));
      const built = buildStack(layers);
      const ours = await unpacked(imageOf(built));
      // Times of implied directories are nowhere specified, and umoci refuses what replaces an ancestor that is a file.
      const theirs = await treeOf((path) => unpackWithUmoci(path, layers));
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
      requireSame(layers, different(await unpacked(image), await unpacked(late)));
    }),
    { numRuns: Math.ceil(numRuns / 2), endOnFailure: true },
  );
});

function requireSame(layers: readonly (readonly TarEntry[])[], differences: readonly string[]): void {
  if (differences.length > 0) throw new Error([showStack(layers), ...differences].join('\n'));
}

async function unpackWithUmoci(path: string, layers: readonly (readonly TarEntry[])[]): Promise<void> {
  const layout = fresh();
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

/** umoci links to the lower layer's file if it has one; box to the one of the same layer, which comes later. */
function hasHardlinkToLaterFile(layers: readonly (readonly TarEntry[])[]): boolean {
  return layers.some((entries) =>
    entries.some(
      ({ type, link }, at) => type === 'hardlink' && entries.slice(at + 1).some(({ path }) => path === link),
    ),
  );
}
