import { BoxError, MediaType, type DestinationContext, type Image, type OutgoingImage } from '@boxkit/contracts';
import { layoutFiles } from '../oci/layout-files.ts';
import { imageNames } from './image-name.ts';
import { outputBytes, type OutputFile } from './output.ts';
import { blobPath } from './resolved-image.ts';

/**
 * Images as one archive of docker's, which is an image layout too, as containerd and docker since version 25 make them:
 * `manifest.json` names configs and layers below `blobs/`. Layers stay compressed as they are, so that no digest changes.
 */
export function savedFiles(
  images: readonly OutgoingImage[],
  tag: string | undefined,
  context: DestinationContext,
): readonly OutputFile[] {
  const manifests = new Map<string, { Config: string; RepoTags: string[] | null; Layers: string[] }>();
  for (const outgoing of images) {
    const { config, layers } = forOnePlatform(outgoing).image;
    const names = imageNames(outgoing, tag).map(({ familiar }) => familiar);
    // docker load takes the last of two entries for one config: all names of an image stand in one.
    const known = manifests.get(outgoing.root.digest)?.RepoTags ?? [];
    const all = [...new Set([...known, ...names])];
    manifests.set(outgoing.root.digest, {
      Config: blobPath(config.digest),
      RepoTags: all.length === 0 ? null : all,
      Layers: layers.map(({ descriptor }) => blobPath(descriptor.digest)),
    });
  }
  return [
    ...layoutFiles(images, tag, context),
    outputBytes('manifest.json', `${JSON.stringify([...manifests.values()])}\n`),
  ];
}

/** Docker's archives hold one platform of an image. Throws ERR_BOX_USAGE for an index. */
export function forOnePlatform(outgoing: OutgoingImage): OutgoingImage & { readonly image: Image } {
  const { image } = outgoing;
  if (image !== undefined) return { ...outgoing, image };
  throw new BoxError(
    'ERR_BOX_USAGE',
    `cannot write ${outgoing.reference.text} with all its platforms to an archive of docker's: it has no place for more than one`,
    { hint: 'Write to oci:DIR or oci-archive:FILE, or one platform only.', fields: { mediaType: MediaType.ociIndex } },
  );
}
