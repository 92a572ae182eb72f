import type { Reference, StoredImage } from '@boxkit/contracts';
import { describeStoredImage } from '@boxkit/manifest';
import type { ImageEdit } from '@boxkit/manifest/edit';
import type { Scope } from '../machine.ts';
import { writeOutgoing } from '../transfer/copy.ts';
import { storeScheme } from '../transfer/places.ts';
import { makeImage } from './make-image.ts';
import type { Base } from './read-base.ts';
import { recordMade } from './record-made.ts';

/**
 * Makes an image of another and puts it under its name, in the store or elsewhere; what is there already, or can be
 * taken from another repository of the same registry, is not sent. When it throws, what was there before is as it was.
 */
export async function publishMade(
  { image: base, outgoing }: Base,
  edit: ImageEdit,
  to: Reference,
  scope: Scope,
): Promise<StoredImage> {
  if (to.scheme === storeScheme) {
    const reference = { ...to, scheme: 'docker' } as Reference;
    return recordMade({ ...edit, base, reference }, scope);
  }
  const { createPassingReader, outgoingOfImage } = await import('@boxkit/fetcher');
  const { signal, store } = scope.context;
  const image = await makeImage({ ...edit, base, reference: to }, scope);
  const open = outgoing?.open ?? createPassingReader(undefined, store, signal).openAt;
  const how = { names: to.scheme === 'docker' ? [to.location] : [], open, signal };
  const made = await outgoingOfImage(image, { ...how, ...(outgoing && { heldAt: outgoing.heldAt }) });
  const manifest = await writeOutgoing([made], to, {}, scope);
  return { ...describeStoredImage(image), root: manifest, manifest };
}
