import { lstatSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import type { DiffId, IdMap, Image, PrepareOptions, StageContext } from '@boxkit/contracts';
import { isMachineRoot } from '@boxkit/linux';
import { ensureStack } from '../drivers/overlay-stack.ts';
import { bytes, OverlayView } from '../drivers/overlay-view.ts';

/** What an image's tree is put together from: plain data, so that another process can look at it too. */
export interface TreeParts {
  /** Absolute paths as bytes (latin1), topmost first. */
  readonly lower: readonly string[];
  /** Lowest first. */
  readonly layers: readonly TreeLayer[];
  readonly idMap: IdMap;
}

/** An image's layers in the store, seen as the one tree that they make; nothing is mounted or merged. */
export interface ImageTree extends TreeParts {
  readonly view: OverlayView;
  /** The layer whose entry is seen under a name of a merged directory. */
  ownerOf(merged: readonly string[], name: string): TreeLayer | undefined;
}

export interface TreeLayer {
  readonly diffId: DiffId;
  /** Its place in the image, from 0 for the lowest. */
  readonly position: number;
  /** Absolute path of its directory in the store, as bytes (latin1). */
  readonly directory: string;
  /** Absolute path of the index of its entries. */
  readonly index: string;
  /** Its trees in the stack, topmost first, as bytes (latin1): a patch that settles it, its own, and what it hides below it. */
  readonly trees: readonly string[];
}

/** Opens an image for questions. Layers that the store does not have extracted yet are extracted into it, once. */
export async function openImageTree(
  image: Image,
  context: StageContext,
  options: PrepareOptions = {},
): Promise<ImageTree> {
  const { store } = context;
  const { stack, idMap } = await ensureStack(image, context, options);
  const lower = stack.lower.map((path) => latin1(join(store.home, path)));
  // The same layer twice stands at its upper place.
  const positions = new Map(image.layers.map(({ diffId }, position) => [diffId, position]));
  const layers = [...positions].map(([diffId, position]): TreeLayer => {
    const path = store.layers.pathOf(diffId);
    const directory = latin1(path);
    const trees = lower.filter((tree) => tree.startsWith(`${directory}/`));
    return { diffId, position, directory, index: join(path, 'index'), trees };
  });
  return imageTree({ lower, layers, idMap });
}

export function imageTree({ lower, layers, idMap }: TreeParts): ImageTree {
  return {
    view: new OverlayView(lower, isMachineRoot() ? 'trusted' : 'user'),
    lower,
    layers,
    idMap,
    ownerOf(merged, name) {
      const ofLayer = (path: string): TreeLayer | undefined =>
        layers.find(({ directory }) => path.startsWith(`${directory}/`));
      let passed: TreeLayer | undefined;
      for (const directory of merged) {
        const layer = ofLayer(directory);
        const stat = statOf(`${directory}/${name}`);
        if (stat === undefined || layer === passed) continue;
        if (!isPatched(`${directory}/`)) return layer;
        // A patch repeats lower directories, and lower symlinks in the place of what its layer has.
        if (stat.isSymbolicLink()) passed = layer;
        else if (!stat.isDirectory()) return layer;
      }
      return undefined;
    },
  };
}

/** What is at a path of one layer's tree, as bytes (latin1). */
export function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(bytes(path), { throwIfNoEntry: false });
  } catch {
    // The layer has a file where the path has a directory.
    return undefined;
  }
}

/** The layer's tree without what settles it; undefined below an opaque root, where the stack needs none. */
export function ownTree({ trees }: TreeLayer): string | undefined {
  return trees.find((path) => !isPatched(`${path}/`));
}

/** Whether a path lies in a tree that settles a layer: `<layer>/settled/<chainID>/tree`, or `hides`. */
export function isPatched(path: string): boolean {
  return /\/settled\/[0-9a-f]{64,128}\/(tree|hides)\//.test(path);
}

function latin1(path: string): string {
  return Buffer.from(path).toString('latin1');
}
