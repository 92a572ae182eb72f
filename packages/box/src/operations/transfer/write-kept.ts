import type { Descriptor, Image, Reference } from '@boxkit/contracts';
import type { Scope } from '../machine.ts';
import { writeOutgoing } from './copy.ts';
import type { TransferOptions } from './copy.ts';
import { holders } from './holders.ts';
import { readDestination } from './places.ts';

/**
 * Writes an image whose blobs are in the store to another place: `docker://host/app:1`, `docker-archive:DIR/`,
 * `oci:DIR:TAG`. Resolves to what the name there leads to.
 */
export async function writeKept(
  image: Image,
  destination: string | Reference,
  options: Pick<TransferOptions, 'format' | 'preserveDigests' | 'concurrency'>,
  scope: Scope,
): Promise<Descriptor> {
  const { createPassingReader, outgoingOfImage } = await import('@boxkit/fetcher');
  const { signal, store } = scope.context;
  const to =
    typeof destination === 'string' ? await readDestination(destination, 'registry', scope.plugins) : destination;
  const { reference } = image;
  const { openAt: open } = createPassingReader(undefined, store, signal);
  const names = reference.scheme === 'docker' ? [reference.location] : [];
  const heldAt = await holders(reference, store);
  return await writeOutgoing([await outgoingOfImage(image, { names, open, heldAt, signal })], to, options, scope);
}
