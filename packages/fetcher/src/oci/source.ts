import type { ImageSource, ResolvedImage, SourceContext } from '@boxkit/contracts';
import { looksLikeLayout } from '../archive/detect.ts';
import { detectPath, normalizeLocation, parseLocation } from '../archive/location.ts';
import { openArchive, type OpenArchiveOptions } from '../archive/open-archive.ts';
import { resolveLayout } from './layout.ts';

/** `oci:DIR[:TAG]`: an OCI image layout. */
export function ociSource(): ImageSource {
  const scheme = 'oci';
  return {
    scheme,
    description: 'an OCI image layout, a directory: oci:DIR:TAG',
    detect: (text) => detectPath(text, looksLikeLayout),
    normalize: (location) => normalizeLocation(location, scheme),
    resolve: (reference, context) =>
      resolveAt(reference.location, scheme, context, {
        links: 'refuse',
        accept: 'directory',
        hint: 'For a tar of a layout write oci-archive:FILE.',
      }),
  };
}

/** `oci-archive:FILE[:TAG]`: a tar of an OCI image layout. */
export function ociArchiveSource(): ImageSource {
  const scheme = 'oci-archive';
  return {
    scheme,
    description: 'a tar of an OCI image layout: oci-archive:FILE:TAG',
    normalize: (location) => normalizeLocation(location, scheme),
    resolve: (reference, context) =>
      resolveAt(reference.location, scheme, context, {
        links: 'refuse',
        accept: 'file',
        hint: 'For a directory write oci:DIR.',
      }),
  };
}

async function resolveAt(
  location: string,
  scheme: string,
  context: SourceContext,
  options: OpenArchiveOptions,
): Promise<ResolvedImage> {
  const { path, tag } = parseLocation(location, scheme);
  const files = await openArchive(path, context, options);
  try {
    return await resolveLayout(files, tag, context.signal);
  } catch (error) {
    await files[Symbol.asyncDispose]();
    throw error;
  }
}
