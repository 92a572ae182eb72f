import type { Digest } from '@boxkit/contracts';
import type { UnpackOptions } from '../../options.ts';
import type { Machine } from '../machine.ts';
import { compareConfigs } from './compare-configs.ts';
import { comparePaths } from './compare-paths.ts';
import type { ConfigDifference, ImageLook, PathDifference } from './image-look.ts';
import { openWithContents } from './open-look.ts';

/** Two images, open side by side. Dispose of it when done. */
export interface ImageComparison extends AsyncDisposable {
  readonly before: ImageLook;
  readonly after: ImageLook;
  /** Layers that both begin with. */
  readonly sharedLayers: readonly Digest[];
  readonly config: readonly ConfigDifference[];
  /**
   * What differs in type, mode, owner, content, link, device or xattrs; times are of no account. In no order. Files of
   * equal size that come from different layers are read, from the layers' blobs where these are not extracted.
   */
  paths(): AsyncIterableIterator<PathDifference>;
}

export async function compareImages(
  before: string,
  after: string,
  options: UnpackOptions,
  machine: Machine,
): Promise<ImageComparison> {
  const a = await openWithContents(before, options, machine);
  try {
    const b = await openWithContents(after, options, machine);
    const [from, to] = [a.image.layers, b.image.layers];
    const differs = from.findIndex((layer, at) => layer.chainId !== to[at]?.chainId);
    return {
      before: a,
      after: b,
      sharedLayers: (differs < 0 ? from : from.slice(0, differs)).map(({ descriptor }) => descriptor.digest),
      config: compareConfigs(a.config, b.config),
      paths: () => comparePaths(a, b),
      async [Symbol.asyncDispose]() {
        await b[Symbol.asyncDispose]();
        await a[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await a[Symbol.asyncDispose]();
    throw error;
  }
}
