import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Image, Layer } from '@boxkit/contracts';
import type { BytePath } from '../byte-path.ts';
import { startRootfsWorker } from '../drivers/rootfs-worker-client.ts';
import type { LayerEntry } from '../layer-index/layer-entry.ts';
import { openTar } from '../pack/open-tar.ts';
import type { ImageTree, TreeLayer } from '../queries/image-tree.ts';
import { settleWith } from '../queries/settled-path.ts';
import { encodeEntry, endOfTar } from '../tar/encode-entry.ts';
import { copyEntries, type Written } from './copy-entries.ts';
import { gather } from './gather.ts';
import { placeKey } from './link-plan.ts';
import { NumberList } from './number-list.ts';
import { planSquash, type SquashPlan } from './plan-squash.ts';

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
  const { image, tree, signal } = options;
  const { first, links, ...plan } = await makePlan(options);
  // Directories and marks first: whatever a reader makes of what comes after, it is made where it belongs.
  for (const entry of first) yield encodeEntry(entry);
  for (const layer of tree.layers.toSorted((a, b) => a.position - b.position)) {
    const { position } = layer;
    const source = image.layers[position];
    const [offsets, carried] = [plan.shown.get(position), links.carried.get(position)];
    if (source === undefined || (offsets === undefined && carried === undefined)) continue;
    const shown = offsets === undefined ? undefined : NumberList.of(offsets);
    const moved = plan.moved.get(position) ?? new Map<string, BytePath>();
    const choose = (entry: LayerEntry): Written | undefined => {
      if (entry.implied || ['directory', 'whiteout', 'opaque'].includes(entry.type)) return undefined;
      const name = carried?.get(entry.offset);
      if (name !== undefined) return { path: name, link: entry.type === 'hardlink' ? ('' as BytePath) : entry.link };
      if (shown?.has(entry.offset) !== true) return undefined;
      const link = entry.type === 'hardlink' ? links.targets.get(placeKey(position, entry.offset)) : undefined;
      return link === 'written' ? undefined : { path: settleWith(moved, entry.path), link: link ?? entry.link };
    };
    yield* copyFrom(layer, source, choose, options);
  }
  yield endOfTar;
  signal.throwIfAborted();
}

/** Files with subordinate ids may be in directories that only root of the user namespace may look into. */
async function makePlan({ tree, from, signal }: SquashOptions): Promise<SquashPlan> {
  if (tree.idMap.kind !== 'subordinate') return planSquash(tree, from);
  const { lower, layers, idMap } = tree;
  await using worker = startRootfsWorker(idMap, signal);
  const plan = await worker.run<SquashPlan>({ kind: 'squash-plan', parts: { lower, layers, idMap }, from });
  return plan;
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
