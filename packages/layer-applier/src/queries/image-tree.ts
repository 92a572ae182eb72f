import { join } from 'node:path';
import type { DiffId, IdMap, Image, PrepareOptions, StageContext } from '@boxkit/contracts';
import { isMachineRoot } from '@boxkit/linux';
import { ensureStack } from '../drivers/ensure-stack.ts';
import { OverlayView } from '../drivers/overlay-view.ts';

/** An image's layers in the store, seen as the one tree that they make, to read files of; nothing is mounted or merged. */
export interface ImageTree {
  readonly view: OverlayView;
  /** Each once, though the image may have it twice. */
  readonly layers: readonly TreeLayer[];
  readonly idMap: IdMap;
}

export interface TreeLayer {
  readonly diffId: DiffId;
  /** Its trees in the stack, topmost first, as bytes (latin1): a patch that settles it, its own, and what it hides below it. */
  readonly trees: readonly string[];
}

/** Opens an image for its files. Layers that the store does not have extracted yet are extracted into it, once. */
export async function openImageTree(
  image: Image,
  context: StageContext,
  options: PrepareOptions = {},
): Promise<ImageTree> {
  const { store } = context;
  const { stack, idMap } = await ensureStack(image, context, options);
  const lower = stack.lower.map((path) => latin1(join(store.home, path)));
  const layers = [...new Set(image.layers.map(({ diffId }) => diffId))].map((diffId): TreeLayer => {
    const directory = latin1(store.layers.pathOf(diffId));
    return { diffId, trees: lower.filter((tree) => tree.startsWith(`${directory}/`)) };
  });
  return { view: new OverlayView(lower, isMachineRoot() ? 'trusted' : 'user'), layers, idMap };
}

function latin1(path: string): string {
  return Buffer.from(path).toString('latin1');
}
