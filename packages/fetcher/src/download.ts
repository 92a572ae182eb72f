import type { BlobReader, Descriptor, Image, Stage } from '@boxkit/contracts';

/**
 * The stage `download`: brings every layer of an image into the store, and hands the image on. What `box pull` does
 * after `manifest`; a pipeline that goes on to `apply` does not need it.
 */
export function download(): Stage<Image, Image> {
  return {
    name: 'download',
    async run(image, { signal }) {
      const failed = new AbortController();
      const either = AbortSignal.any([signal, failed.signal]);
      const distinct = new Map(image.layers.map(({ descriptor }) => [descriptor.digest, descriptor]));
      const work = [...distinct.values()].map(async (descriptor) => {
        await keep(image.blobs, descriptor, either).catch((error: unknown) => {
          failed.abort(error);
          throw error;
        });
      });
      await Promise.allSettled(work);
      await Promise.all(work);
      either.throwIfAborted();
      return image;
    },
  };
}

async function keep(blobs: BlobReader, descriptor: Descriptor, signal: AbortSignal): Promise<void> {
  if (blobs.ensure !== undefined) return await blobs.ensure(descriptor, { signal });
  for await (const _ of blobs.open(descriptor, { signal })) {
    // Reading is what brings it into the store.
  }
}
