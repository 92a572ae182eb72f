import type { BlobProgress, BoxEvent, Descriptor } from '@boxkit/contracts';

/** Milliseconds between two events of one blob; the first and the last are always told. */
const interval = 100;

/** Tells observers of one blob's bytes, not more often than they can be shown. */
export function createProgress(descriptor: Descriptor, emit: (event: BoxEvent) => void) {
  let last = 0;
  let told = -1;
  const tell = (received: number, origin: BlobProgress['origin']): void => {
    last = Date.now();
    told = received;
    const { digest, mediaType, size: total } = descriptor;
    emit({ type: 'blob-progress', digest, mediaType, received, total, origin });
  };
  return {
    tell,
    advance(received: number, origin: BlobProgress['origin']): void {
      if (received === told || (received < descriptor.size && Date.now() - last < interval)) return;
      tell(received, origin);
    },
  };
}
