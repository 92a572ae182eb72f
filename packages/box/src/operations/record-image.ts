import type { Descriptor, Image, StageContext, Store, StoredImage } from '@boxkit/contracts';
import { describeStoredImage } from '@boxkit/manifest';

/** Keeps an image under its name, once every blob that it names is in the store. */
export async function recordImage(image: Image, store: Store, context: StageContext): Promise<StoredImage> {
  const record = describeStoredImage(image);
  const before = await store.images.get(record.reference);
  if (before?.manifest.digest === record.manifest.digest && before.root.digest === record.root.digest) return before;
  await ensureBlobs(image, context);
  await store.images.set(record);
  return record;
}

/** Brings every blob of an image into the store, many at a time; the reader bounds how many. `whenThere` is awaited too. */
export async function ensureBlobs(
  image: Image,
  context: StageContext,
  whenThere: (descriptor: Descriptor) => Promise<void> = async () => {},
): Promise<void> {
  const { blobs } = image;
  const { signal } = context;
  const descriptors = [image.root, ...(image.documents ?? []), image.manifest, image.config];
  const distinct = new Map(
    [...descriptors, ...image.layers.map((layer) => layer.descriptor)].map((one) => [one.digest, one]),
  );
  await Promise.all(
    [...distinct.values()].map(async (descriptor) => {
      if (blobs.ensure !== undefined) await blobs.ensure(descriptor, { signal });
      else for await (const chunk of blobs.open(descriptor, { signal })) void chunk;
      await whenThere(descriptor);
    }),
  );
}
