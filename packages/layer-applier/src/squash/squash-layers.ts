import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Image } from '@boxkit/contracts';
import type { IndexedImage } from '../indexed/indexed-image.ts';
import type { IndexedLayer } from '../indexed/indexed-layer.ts';
import type { LayerEntry } from '../layer-index/layer-entry.ts';
import { openTar } from '../pack/open-tar.ts';
import { encodeEntry, endOfTar } from '../tar/encode-entry.ts';
import { copyEntries, type Written } from './copy-entries.ts';
import { gather } from './gather.ts';
import { placeKey } from './link-plan.ts';
import { planSquash } from './plan-squash.ts';

export interface SquashOptions {
  readonly image: Image;
  /** The same image, opened. */
  readonly indexed: IndexedImage;
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
  const { indexed, from, signal } = options;
  const { first, links, shown } = planSquash(indexed, from);
  // Directories and marks first: whatever a reader makes of what comes after, it is made where it belongs.
  for (const entry of first) yield encodeEntry(entry);
  for (const layer of indexed.layers) {
    const { position } = layer;
    const [offsets, carried] = [shown.get(position), links.carried.get(position)];
    if (offsets === undefined && carried === undefined) continue;
    const choose = (entry: LayerEntry): Written | undefined => {
      if (entry.implied || ['directory', 'whiteout', 'opaque'].includes(entry.type)) return undefined;
      const name = carried?.get(entry.offset);
      if (name !== undefined) return { path: name, link: entry.link };
      if (offsets?.has(entry.offset) !== true) return undefined;
      if (entry.type !== 'hardlink') return { path: indexed.settle(layer, entry.path), link: entry.link };
      const target = links.targets.get(placeKey(position, entry.offset));
      return target === 'written' ? undefined : target;
    };
    yield* copyFrom(layer, choose, options);
  }
  yield endOfTar;
  signal.throwIfAborted();
}

async function* copyFrom(
  layer: IndexedLayer,
  choose: (entry: LayerEntry) => Written | undefined,
  { image, staging, signal }: SquashOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const file = join(staging, 'tar');
  const inflate = async (): Promise<string> => {
    const { descriptor } = layer.layer;
    const stream = image.blobs.open(descriptor, { signal });
    const { chunks } = await openTar(stream, { what: descriptor.digest });
    await pipeline(chunks, createWriteStream(file), { signal });
    return file;
  };
  try {
    yield* copyEntries({ layer, choose, signal, openTar: inflate });
  } finally {
    await rm(file, { force: true });
  }
}
