import { BoxError, type DestinationContext, type ImageDestination, type OutgoingImage } from '@boxkit/contracts';
import { normalizeLocation, parseLocation } from '../archive/location.ts';
import { publishTar } from '../archive/output.ts';
import { convertOutgoing, needsConversion } from '../outgoing/convert.ts';
import { layoutFiles } from './layout-files.ts';
import { writeOciLayout, writeSkopeoDirectory } from './write.ts';

/** `oci:DIR[:TAG]`: an OCI image layout, made or added to. */
export function ociDestination(): ImageDestination {
  const scheme = 'oci';
  return {
    scheme,
    description: 'an OCI image layout, a directory that is made or added to: oci:DIR[:TAG]',
    holdsMany: true,
    normalize: (location) => normalizeLocation(location, scheme),
    async write(images, reference, context) {
      const place = parseLocation(reference.location, scheme);
      await writeOciLayout(asOci(images, context), place, context);
    },
  };
}

/** `oci-archive:FILE[:TAG]`: a tar of an OCI image layout; a file that is there is replaced whole. */
export function ociArchiveDestination(): ImageDestination {
  const scheme = 'oci-archive';
  return {
    scheme,
    description: 'a tar of an OCI image layout: oci-archive:FILE[:TAG]',
    holdsMany: true,
    normalize: (location) => normalizeLocation(location, scheme),
    async write(images, reference, context) {
      const { path, tag } = parseLocation(reference.location, scheme);
      await publishTar(layoutFiles(asOci(images, context), tag, context), path, context);
    },
  };
}

/** `dir:DIR`: skopeo's directory of a manifest and its blobs, as a registry has them. */
export function skopeoDirectoryDestination(): ImageDestination {
  const scheme = 'dir';
  return {
    scheme,
    description: "skopeo's directory of a manifest and its blobs: dir:DIR",
    normalize: (location) => parseLocation(location, scheme).path,
    async write(images, reference, context) {
      const { path } = parseLocation(reference.location, scheme);
      for (const image of images) await writeSkopeoDirectory(image, path, context);
    },
  };
}

/**
 * A manifest of Docker's is rewritten as OCI's, since tools for layouts read no other; that its digest is another then is
 * told, or refused with `preserveDigests`. Blobs stay as they are.
 */
export function asOci(images: readonly OutgoingImage[], context: DestinationContext): readonly OutgoingImage[] {
  return images.map((image) => {
    if (!needsConversion(image, 'oci')) return image;
    const { text } = image.reference;
    if (context.preserveDigests === true) {
      throw new BoxError(
        'ERR_BOX_USAGE',
        `cannot keep the digest of ${text}: its manifest is Docker's, and a layout has OCI's`,
        {
          hint: 'Leave --preserve-digests out, or write to docker-archive: or dir:.',
          fields: { digest: image.root.digest },
        },
      );
    }
    const converted = convertOutgoing(image, 'oci');
    context.emit({
      type: 'warning',
      code: 'manifest-converted',
      message: `${text}: the manifest ${image.root.digest} is Docker's, and is written as OCI's: ${converted.root.digest}`,
    });
    return converted;
  });
}
