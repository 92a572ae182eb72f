import { BoxError, type Image, type StoredImage } from '@boxkit/contracts';
import { readManifest } from '@boxkit/manifest';
import type { ContainerRecord } from '@boxkit/store';
import { findImage } from '../find-image.ts';
import type { Scope } from '../machine.ts';
import { storedBlobs } from '../stored-blobs.ts';

/**
 * The image that a container was made of: under the name that it was started by or, when that has moved on since, under
 * any other that has the same layers. Undefined when the store keeps it under no name.
 */
export async function baseOf(record: ContainerRecord, scope: Scope): Promise<Image | undefined> {
  const stored = await storedBase(record, scope);
  if (stored === undefined) return undefined;
  const { reference } = await findImage(stored.reference, { pull: 'never' }, scope);
  const fetched = { reference, descriptor: stored.root, blobs: storedBlobs(scope.store) };
  return readManifest({ platform: stored.requested ?? stored.platform }).run(fetched, scope.context);
}

/** The same, where there is no doing without. Throws ERR_BOX_IMAGE_UNKNOWN. */
export async function requireBase(record: ContainerRecord, scope: Scope): Promise<Image> {
  const base = await baseOf(record, scope);
  if (base !== undefined) return base;
  const reference = record.uses?.reference ?? 'its image';
  throw new BoxError(
    'ERR_BOX_IMAGE_UNKNOWN',
    `cannot make an image of the container ${record.name}: the store has ${reference} no more, or another by that name`,
    {
      hint: 'Export its files and import them: `box export CONTAINER -o rootfs.tar`, `box import rootfs.tar NEW`.',
      fields: { containerId: record.containerId, reference },
    },
  );
}

async function storedBase({ uses }: ContainerRecord, { store }: Scope): Promise<StoredImage | undefined> {
  if (uses === undefined) return undefined;
  const isIt = ({ layers }: StoredImage): boolean =>
    layers.length === uses.layers.length && layers.every(({ diffId }, at) => diffId === uses.layers[at]);
  const named = uses.reference === undefined ? undefined : await store.images.get(uses.reference);
  if (named !== undefined && isIt(named)) return named;
  return (await store.images.list()).find(isIt);
}
