import { lstatSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Image, Layer, Store } from '@boxkit/contracts';
import { digestParts } from '@boxkit/contracts';
import { lowerView, layerSummary, movedDirectories, survey } from '@boxkit/layer-applier';
import type { BytePath, ImageTree, TreeLayer } from '@boxkit/layer-applier';

/** What a person has to do for one layer, with tar and rm alone. Paths are bytes (latin1), without a slash in front. */
export interface LayerStep {
  readonly layer: Layer;
  readonly decompress: readonly string[];
  /** What the layer hides of those below, and what stands in its way: to be removed before. */
  readonly remove: readonly string[];
  /** Directories to be emptied before. */
  readonly empty: readonly string[];
  /** Directories that the layer only implies and that are symlinks below, with what these lead to. */
  readonly moved: readonly { readonly from: string; readonly to: string }[];
}

/** Works out, from the indexes, what the layers above the lowest do to those below. */
export async function layerSteps(image: Image, tree: ImageTree, store: Store): Promise<readonly LayerStep[]> {
  const clashes = findClashes(tree);
  return Promise.all(
    image.layers.map(async (layer, position): Promise<LayerStep> => {
      const decompress = await decompressor(store.blobs.pathOf(layer.descriptor.digest));
      const step = { layer, decompress };
      const one = tree.layers.find((candidate) => candidate.position === position);
      if (one === undefined) return { ...step, remove: [], empty: [], moved: [] };
      return { ...step, ...deletions(tree, one, clashes.get(position) ?? []) };
    }),
  );
}

/** Where a layer has a directory and one below has something else, or the other way round: tar is not to sort that out. */
function findClashes(tree: ImageTree): ReadonlyMap<number, readonly BytePath[]> {
  const clashes = new Map<number, BytePath[]>();
  for (const { path, entry, met } of survey(tree)) {
    if (met?.how !== 'replaced') continue;
    const other = tree.layers.find(({ position }) => position === met.position);
    if (other === undefined) continue;
    const list = clashes.get(met.position) ?? [];
    // A file over a file is tar's own affair: it unlinks first.
    if (entry.type === 'directory' || isDirectoryIn(other, path)) list.push(path);
    clashes.set(met.position, list);
  }
  return clashes;
}

function isDirectoryIn({ directory }: TreeLayer, path: BytePath): boolean {
  const place = Buffer.from(`${directory}/tree/${path}`, 'latin1');
  return lstatSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
}

function deletions(tree: ImageTree, layer: TreeLayer, clashes: readonly BytePath[]) {
  const { whiteouts, opaques } = layerSummary(layer);
  const view = lowerView(tree, layer);
  const moved = movedDirectories(tree, layer);
  const settle = (path: BytePath): BytePath => moved.settle(path);
  // Only what is there, by way of real directories: `rm` must not be led out of the tree by a symlink.
  const isThere = (path: string): boolean => {
    const slash = path.lastIndexOf('/');
    const parent = slash < 0 ? '' : path.slice(0, slash);
    const found = view.resolve(parent);
    return (
      typeof found !== 'string' && found.path === parent && view.look(found.merged, path.slice(slash + 1)) !== undefined
    );
  };
  const isDirectory = (path: string): boolean => {
    const found = view.resolve(path);
    return typeof found !== 'string' && found.path === path;
  };
  const remove = [...new Set([...whiteouts.map(settle), ...clashes])].filter(isThere);
  // A directory may be hidden and opaque at once, by marks beside it and in it.
  const goes = (path: string): boolean => remove.some((gone) => path === gone || path.startsWith(`${gone}/`));
  return {
    remove,
    empty: opaques.map(settle).filter((path) => isDirectory(path) && !goes(path)),
    moved: [...moved.directories].map(([from, to]) => ({ from, to })),
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
