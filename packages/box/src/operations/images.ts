import { BoxError, type Image, type StoredImage } from '@boxkit/contracts';
import { readManifest } from '@boxkit/manifest';
import type { Cancellable, Inspection } from '../options.ts';
import { findByDigest } from './find-by-digest.ts';
import { findImage, notStored } from './find-image.ts';
import { openScope } from './machine.ts';
import type { Machine } from './machine.ts';
import { storedBlobs } from './stored-blobs.ts';

/** The record of a stored image, found by whatever a person calls it. Throws ERR_BOX_IMAGE_UNKNOWN. */
export async function storedImage(text: string, machine: Pick<Machine, 'store' | 'plugins'>): Promise<StoredImage> {
  const { reference } = await findImage(text, { pull: 'missing' }, machine);
  const stored = await machine.store.images.get(reference.text);
  if (stored === undefined) throw notStored(reference.text);
  return stored;
}

export async function inspect(text: string, options: Cancellable, machine: Machine): Promise<Inspection> {
  await using scope = openScope(machine, options);
  const { reference } = await findImage(text, { pull: 'missing' }, scope);
  const stored = await storedImage(text, scope);
  const fetched = { reference, descriptor: stored.root, blobs: storedBlobs(scope.store) };
  const platform = stored.requested ?? stored.platform;
  const image: Image = await readManifest({ platform }).run(fetched, scope.context);
  // The image has it already.
  const { imageConfig: _kept, ...others } = stored;
  return { stored: others, image };
}

/** Takes a name away. Throws ERR_BOX_USAGE for a digest of an image that has several names. */
export async function removeImage(text: string, machine: Machine): Promise<StoredImage> {
  const stored = await storedImage(text, machine);
  if ((await findByDigest(text, machine.store)) !== undefined) await requireOneName(text, stored, machine);
  if (!(await machine.store.images.delete(stored.reference))) throw notStored(stored.reference);
  return stored;
}

async function requireOneName(text: string, { root }: StoredImage, { store }: Machine): Promise<void> {
  const names = (await store.images.list()).filter((image) => image.root.digest === root.digest);
  if (names.length === 1) return;
  throw new BoxError('ERR_BOX_USAGE', `cannot take the name of ${text} away: it has ${names.length}`, {
    hint: `Give those to take away: ${names.map(({ reference }) => reference).join(' ')}`,
    fields: { names: names.map(({ reference }) => reference) },
  });
}

/** Gives an image a further name. Throws ERR_BOX_REFERENCE_INVALID for a name with a digest. */
export async function tagImage(text: string, name: string, machine: Machine): Promise<StoredImage> {
  const stored = await storedImage(text, machine);
  const { storeReference } = await import('./transfer/places.ts');
  return machine.store.images.tag(stored.reference, storeReference(name).text);
}
