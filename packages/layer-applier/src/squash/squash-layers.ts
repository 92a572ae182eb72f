import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Image, Layer } from '@boxkit/contracts';
import { joinPath, type BytePath } from '../byte-path.ts';
import type { LayerEntry } from '../layer-index/layer-entry.ts';
import { openTar } from '../pack/open-tar.ts';
import type { ImageTree, TreeLayer } from '../queries/image-tree.ts';
import { movedDirectories } from '../queries/settled-path.ts';
import { type EncodedEntry, encodeEntry, endOfTar } from '../tar/encode-entry.ts';
import { chooseEntries, type ChosenEntries } from './choose-entries.ts';
import { copyEntries, type Written } from './copy-entries.ts';
import { gather } from './gather.ts';
import { planLinks } from './link-plan.ts';

export interface SquashOptions {
  readonly image: Image;
  /** The same image, opened. */
  readonly tree: ImageTree;
  /** The position of the lowest layer that goes into the new one; those below stay. */
  readonly from: number;
  /** An empty directory for one layer's uncompressed tar at a time. */
  readonly staging: string;
  readonly signal: AbortSignal;
}

/**
 * The tar of one layer that does what those from `from` up do together: what they show, and marks for what they hide of the
 * layers below. Owners, devices and xattrs are those of the layers, whatever the disk could hold of them; hardlinks are
 * links still, also between layers. The same layers give the same bytes. OCI image-spec, layer.md.
 */
export function squashLayers(options: SquashOptions): AsyncGenerator<Uint8Array, void, undefined> {
  return gather(pieces(options));
}

async function* pieces(options: SquashOptions): AsyncGenerator<Uint8Array, void, undefined> {
  const { image, tree, from, signal } = options;
  const chosen = chooseEntries(tree, from);
  // Directories and marks first: whatever a reader makes of what comes after, it is made where it belongs.
  for (const entry of directoriesAndMarks(chosen)) yield encodeEntry(entry);
  const links = planLinks(tree, chosen, from);
  for (const layer of tree.layers.toSorted((a, b) => a.position - b.position)) {
    const { position } = layer;
    const source = image.layers[position];
    const [shown, carried] = [chosen.shown.get(position), links.carried.get(position)];
    if (source === undefined || (shown === undefined && carried === undefined)) continue;
    const moved = movedDirectories(tree, layer);
    const choose = (entry: LayerEntry): Written | undefined => {
      if (entry.implied || ['directory', 'whiteout', 'opaque'].includes(entry.type)) return undefined;
      const name = carried?.get(entry.offset);
      if (name !== undefined) return { path: name, link: entry.type === 'hardlink' ? ('' as BytePath) : entry.link };
      if (shown?.has(entry.offset) !== true) return undefined;
      const link = entry.type === 'hardlink' ? links.linkOf(position, entry.offset) : undefined;
      return link === 'written' ? undefined : { path: moved.settle(entry.path), link: link ?? entry.link };
    };
    yield* copyFrom(layer, source, choose, options);
  }
  yield endOfTar;
  signal.throwIfAborted();
}

async function* copyFrom(
  layer: TreeLayer,
  source: Layer,
  choose: (entry: LayerEntry) => Written | undefined,
  { image, staging, signal }: SquashOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const file = join(staging, 'tar');
  const inflate = async (): Promise<string> => {
    const stream = image.blobs.open(source.descriptor, { signal });
    const { chunks } = await openTar(stream, { what: source.descriptor.digest });
    await pipeline(chunks, createWriteStream(file), { signal });
    return file;
  };
  try {
    yield* copyEntries({ layer, source, choose, signal, openTar: inflate });
  } finally {
    await rm(file, { force: true });
  }
}

function* directoriesAndMarks({
  directories,
  whiteouts,
  opaques,
}: ChosenEntries): Generator<EncodedEntry, void, undefined> {
  const names = [...directories.keys(), ...whiteouts.filter((path) => !directories.has(path))].toSorted();
  for (const path of names) {
    const directory = directories.get(path);
    if (directory === undefined) {
      const slash = path.lastIndexOf('/') + 1;
      yield mark(`${path.slice(0, slash)}.wh.${path.slice(slash)}` as BytePath);
      continue;
    }
    yield directory;
    if (opaques.has(path)) yield mark(joinPath(path, '.wh..wh..opq'));
  }
}

function mark(path: BytePath): EncodedEntry {
  const mtime = { seconds: 0, nanoseconds: 0 };
  const plain = { mode: 0, uid: 0, gid: 0, size: 0, major: 0, minor: 0, xattrs: undefined };
  return { ...plain, type: 'file', path, link: '' as BytePath, mtime };
}
