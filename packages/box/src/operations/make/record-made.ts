import type { StoredImage } from '@boxkit/contracts';
import type { Scope } from '../machine.ts';
import { recordImage } from '../record-image.ts';
import { makeImage, type Making } from './make-image.ts';

/**
 * Makes an image out of a base, or of nothing, and keeps it under its name: new layers on top, changes of the
 * configuration, and what the history is to say. What the store lacks of the base is fetched; the name is moved when all
 * is there, so that a failure leaves the store with the names it had.
 */
export async function recordMade(making: Making, scope: Pick<Scope, 'store' | 'context'>): Promise<StoredImage> {
  const image = await makeImage(making, scope);
  return recordImage(image, scope.store, scope.context);
}
