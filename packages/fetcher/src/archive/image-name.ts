import type { OutgoingImage } from '@boxkit/contracts';
import { familiarRegistryReference, formatRegistryReference, parseRegistryReference } from '@boxkit/manifest';

/** A name that an image gets in an archive. */
export interface ImageName {
  /** As docker writes it: `busybox:latest`. */
  readonly familiar: string;
  /** With all its parts, as containerd does: `docker.io/library/busybox:latest`. */
  readonly full: string;
  readonly tag: string;
}

/**
 * The names of an image in an archive: `tag`, where the destination's reference gives one, else its own. One that only
 * pins a digest is none. Throws ERR_BOX_REFERENCE_INVALID for a `tag` that is no name.
 */
export function imageNames(image: Pick<OutgoingImage, 'names'>, tag: string | undefined): readonly ImageName[] {
  return (tag === undefined ? image.names : [tag]).flatMap((text) => {
    const { digest, ...reference } = parseRegistryReference(text);
    if (reference.tag === undefined && digest !== undefined) return [];
    const named = { ...reference, tag: reference.tag ?? 'latest' };
    return [{ familiar: familiarRegistryReference(named), full: formatRegistryReference(named), tag: named.tag }];
  });
}
