import { existsSync } from 'node:fs';
import type { StoredImage } from '@boxkit/contracts';
import { type ContainerRecord, isForsaken } from './container-record.ts';
import { digestPath, type Layout } from './layout.ts';
import { heldKeys } from './lease.ts';
import type { Session } from './session.ts';
import type { DiskStore } from './disk-store.ts';

/** What must stay: keys as in a lease, and the images that keep their names. */
export interface Roots {
  /** Whether `blobs/<digest>`, `layers/<diffID>` or `rootfs/<chainID>` is needed. */
  needs(key: string): boolean;
  /** Images whose names nothing needs; empty unless `all`. */
  readonly unused: readonly StoredImage[];
}

/**
 * Reads what must stay, in an order that counts: leases first. Who gives up a lease has named an image or made a
 * container before, and those are read after.
 */
export async function readRoots(
  { layout, lease }: Session,
  { images, containers }: Pick<DiskStore, 'images' | 'containers'>,
  { all }: { readonly all: boolean },
): Promise<Roots> {
  const needed = heldKeys(layout, lease);
  const records = (await containers.list()).filter((record) => !isForsaken(record));
  // A container that does not say what it uses may use anything.
  const secretive = records.some((record) => record.uses === undefined);
  for (const record of records) addContainer(needed, record);

  const unused: StoredImage[] = [];
  for (const image of await images.list()) {
    const used = !all || secretive || needed.has(`blobs/${image.manifest.digest}`) || isRun(image, records);
    if (used) addImage(needed, image, layout);
    else unused.push(image);
  }
  return {
    needs: (key) => needed.has(key) || (secretive && !key.startsWith('blobs/') && !key.startsWith('indexes/')),
    unused,
  };
}

function addContainer(needed: Set<string>, { uses }: ContainerRecord): void {
  for (const diffId of uses?.layers ?? []) needed.add(`layers/${diffId}`);
  for (const chainId of uses?.rootfs ?? []) needed.add(`rootfs/${chainId}`);
}

function addImage(needed: Set<string>, image: StoredImage, layout: Layout): void {
  for (const digest of [...image.blobs, image.root.digest, image.manifest.digest, image.config.digest]) {
    needed.add(`blobs/${digest}`);
  }
  for (const { diffId, chainId } of image.layers) {
    needed.add(`layers/${diffId}`);
    // An extracted layer has an index of its own.
    if (!existsSync(digestPath(layout.layers, diffId))) needed.add(`indexes/${diffId}`);
    needed.add(`rootfs/${chainId}`);
  }
}

function isRun(image: StoredImage, records: readonly ContainerRecord[]): boolean {
  return records.some((record) => record.uses?.reference === image.reference);
}
