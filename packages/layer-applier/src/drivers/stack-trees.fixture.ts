import { join } from 'node:path';
import type { Image, RootfsDriver, StageContext } from '@boxkit/contracts';
import { openStore } from '@boxkit/store';
import { differences, inRootfs, readTree, temporaryDirectory, type TarEntry, type Tree } from '@boxkit/testkit';
import { removeTree } from '../remove-tree.ts';
import { mergeDriver } from './merge-driver.ts';
import { showStack } from './stacks.fixture.ts';

/** A store, and places for the trees that stacks of layers become. */
export interface StackPlace extends AsyncDisposable {
  readonly context: () => StageContext;
  /** A path that nothing has yet. */
  fresh(): string;
  /** The tree that an act leaves at a path, or undefined when it fails as an image may make it fail. */
  treeOf(act: (path: string) => Promise<unknown>): Promise<Tree | undefined>;
  /** What the merge driver unpacks. */
  unpacked(image: Image): Promise<Tree | undefined>;
  /** What a container of the driver's sees. */
  mounted(driver: RootfsDriver, image: Image): Promise<Tree | undefined>;
}

export async function openStackPlace(): Promise<StackPlace> {
  const place = await temporaryDirectory('stacks');
  const store = await openStore({ home: join(place.path, 'home'), removeTree });
  let count = 0;
  const self: StackPlace = {
    context: () => ({
      store,
      signal: new AbortController().signal,
      logger: { debug: () => {}, warn: () => {} },
      emit: () => {},
      defer: () => {},
    }),
    fresh: () => join(place.path, `tree-${(count += 1)}`),
    async treeOf(act) {
      const path = self.fresh();
      try {
        await act(path);
        return await readTree(path);
      } catch (error) {
        if (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_BOX_LAYER_'))
          return undefined;
        throw error;
      } finally {
        await removeTree(path);
      }
    },
    unpacked: (image) => self.treeOf((directory) => mergeDriver().prepare(image, self.context(), { directory })),
    async mounted(driver, image) {
      await using container = await store.containers.create({});
      const tree = await self.treeOf(async (path) => {
        const rootfs = await driver.prepare(image, self.context(), { containerPath: container.path });
        await inRootfs(rootfs, `cp -a . '${path}'`);
      });
      return tree;
    },
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await removeTree(place.path);
    },
  };
  return self;
}

/**
 * How two trees differ. The root of an image that says nothing of it is as new as its unpacking; a time that is empty
 * is one that no rule says.
 */
export function different(left: Tree | undefined, right: Tree | undefined, ignore: 'mtime'[] = []): string[] {
  if (left === undefined || right === undefined) return left === right ? [] : ['only one of the two fails'];
  const unsaid = [left, right].flatMap((tree) => [...tree].filter(([, { mtime }]) => mtime === ''));
  const free = new Set(['.', ...unsaid.map(([path]) => path)].map((path) => `${path}: mtime`));
  return differences(left, right, { ignore }).filter((line) => !free.has(line.slice(0, line.indexOf(' mtime') + 6)));
}

export function requireSame(layers: readonly (readonly TarEntry[])[], differences: readonly string[]): void {
  if (differences.length > 0) throw new Error([showStack(layers), ...differences].join('\n'));
}
