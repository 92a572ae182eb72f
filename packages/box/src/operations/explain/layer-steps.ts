import { open } from 'node:fs/promises';
import type { Layer, Store } from '@boxkit/contracts';
import { digestParts } from '@boxkit/contracts';
import type { BytePath, IndexedImage, IndexedLayer } from '@boxkit/layer-applier';

/** What a person has to do for one layer, with tar and rm alone. Paths are bytes (latin1), without a slash in front. */
export interface LayerStep {
  readonly layer: Layer;
  readonly decompress: readonly string[];
  /** What the layer hides of those below, and what stands in its way: to be removed before. */
  readonly remove: readonly string[];
  /** Directories to be emptied before. */
  readonly empty: readonly string[];
  /** Directories that the layer only implies and that are symlinks below, with what these lead to; what is deeper comes first. */
  readonly moved: readonly { readonly from: string; readonly to: string }[];
}

/** Works out, from the indexes, what the layers above the lowest do to those below. */
export async function layerSteps(indexed: IndexedImage, store: Store): Promise<readonly LayerStep[]> {
  const clashes = findClashes(indexed);
  return Promise.all(
    indexed.layers.map(async (own): Promise<LayerStep> => {
      const decompress = await decompressor(store.blobs.pathOf(own.layer.descriptor.digest));
      return { layer: own.layer, decompress, ...deletions(indexed, own, clashes.get(own.position) ?? []) };
    }),
  );
}

/** Where a layer has a directory and one below has something else, or the other way round: tar is not to sort that out. */
function findClashes(indexed: IndexedImage): ReadonlyMap<number, readonly BytePath[]> {
  const clashes = new Map<number, BytePath[]>();
  for (const { position, path } of indexed.clashes()) {
    const list = clashes.get(position);
    if (list === undefined) clashes.set(position, [path]);
    else list.push(path);
  }
  return clashes;
}

function deletions(indexed: IndexedImage, layer: IndexedLayer, clashes: readonly BytePath[]) {
  const { removed, emptied } = indexed.hiddenBy(layer);
  const remove = [...new Set([...removed, ...clashes])];
  // A directory may be hidden and opaque at once, by marks beside it and in it.
  const goes = (path: string): boolean => remove.some((gone) => path === gone || path.startsWith(`${gone}/`));
  return {
    remove,
    empty: [...new Set(emptied)].filter((path) => !goes(path)),
    moved: [...indexed.movedIn(layer)]
      .map(([from, to]) => ({ from, to }))
      .toSorted((one, other) => other.from.length - one.from.length),
  };
}

/** By the blob's first bytes: media types are often wrong. */
async function decompressor(blob: string): Promise<readonly string[]> {
  const file = await open(blob, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    if (buffer.readUInt16BE(0) === 0x1f8b) return ['gzip', '-dc'];
    return buffer.readUInt32BE(0) === 0x28b52ffd ? ['zstd', '-dc'] : ['cat'];
  } finally {
    await file.close();
  }
}

/** `sha256sum`, and the digits that it is to find. */
export function checksum(digest: Parameters<typeof digestParts>[0]): {
  readonly program: string;
  readonly hex: string;
} {
  const { algorithm, hex } = digestParts(digest);
  return { program: `${algorithm}sum`, hex };
}
