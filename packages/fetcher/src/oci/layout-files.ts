import { MediaType, type Descriptor, type DestinationContext, type OutgoingImage } from '@boxkit/contracts';
import { imageNames, type ImageName } from '../archive/image-name.ts';
import { outputBytes, type OutputFile } from '../archive/output.ts';
import { blobPath } from '../archive/resolved-image.ts';
import { outputBlob } from '../outgoing/output-blob.ts';
import { imageNameKey, indexName, layoutName, layoutVersion, refNameKey } from './layout.ts';

/** A whole image layout of images, in an order that is always the same. OCI image-spec, image-layout.md. */
export function layoutFiles(
  images: readonly OutgoingImage[],
  tag: string | undefined,
  context: DestinationContext,
): readonly OutputFile[] {
  const index = { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: layoutEntries(images, tag) };
  return [
    ...layoutBlobs(images, context),
    outputBytes(layoutName, JSON.stringify({ imageLayoutVersion: layoutVersion })),
    outputBytes(indexName, JSON.stringify(index)),
  ];
}

/** Every blob of images, each once: configs and layers, then the documents that name them. */
export function layoutBlobs(images: readonly OutgoingImage[], context: DestinationContext): readonly OutputFile[] {
  const files = new Map<string, OutputFile>();
  for (const image of images) {
    for (const descriptor of image.blobs) {
      const name = blobPath(descriptor.digest);
      if (!files.has(name)) files.set(name, outputBlob(name, image, descriptor, context));
    }
    for (const { descriptor, bytes } of image.documents) {
      const name = blobPath(descriptor.digest);
      files.set(name, outputBytes(name, bytes));
    }
  }
  return [...files.values()];
}

/** What index.json is to say of images: an entry for each name, or one without. */
export function layoutEntries(images: readonly OutgoingImage[], tag: string | undefined): readonly Descriptor[] {
  const named = images.map((image) => ({ image, names: namesIn(image, tag) }));
  const tags = named.flatMap(({ names }) => names.map((name) => name.tag));
  // By its tag alone, as a layout of one image has it, unless that would name two.
  const refName = (name: LayoutName): string =>
    new Set(tags).size === tags.length ? name.tag : (name.full ?? name.tag);
  return named.flatMap(({ image, names }) => {
    const platform = image.image?.platform;
    const entry = { ...image.root, ...(platform && { platform }) };
    if (names.length === 0) return [entry];
    return names.map((name) => ({
      ...entry,
      annotations: { ...(name.full && { [imageNameKey]: name.full }), [refNameKey]: refName(name) },
    }));
  });
}

type LayoutName = Pick<ImageName, 'tag'> & Partial<ImageName>;

/** A layout's tag is any text, and need not be a name that a registry would take. */
function namesIn(image: OutgoingImage, tag: string | undefined): readonly LayoutName[] {
  return tag === undefined ? imageNames(image, undefined) : [{ tag }];
}
