import type { Descriptor, DestinationContext, OutgoingImage } from '@boxkit/contracts';
import type { OutputFile } from '../archive/output.ts';
import { createProgress } from '../blobs/progress.ts';
import { bytesOf } from './outgoing-image.ts';

/** A blob as a file of an archive; what is written of it is told. */
export function outputBlob(
  name: string,
  image: OutgoingImage,
  descriptor: Descriptor,
  context: Pick<DestinationContext, 'signal' | 'emit'>,
): OutputFile {
  async function* told(lent: boolean): AsyncGenerator<Uint8Array> {
    const progress = createProgress(descriptor, (event) => context.emit(event));
    progress.tell(0, 'source');
    let written = 0;
    for await (const chunk of bytesOf(image, descriptor, { signal: context.signal, lent })) {
      yield chunk;
      written += chunk.length;
      progress.advance(written, 'source');
    }
    if (descriptor.size === 0) progress.tell(0, 'source');
  }
  return { name, size: descriptor.size, content: told };
}

/** Tells that a blob is at its destination already. */
export function tellPresent(descriptor: Descriptor, context: Pick<DestinationContext, 'emit'>): void {
  createProgress(descriptor, (event) => context.emit(event)).tell(descriptor.size, 'present');
}
