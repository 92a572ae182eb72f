import { MediaType, type Descriptor } from '@boxkit/contracts';

/** What kind of document a media type names. */
export type DocumentKind = 'index' | 'manifest';

const kinds: Readonly<Record<string, DocumentKind>> = {
  [MediaType.ociIndex]: 'index',
  [MediaType.dockerList]: 'index',
  [MediaType.ociManifest]: 'manifest',
  [MediaType.dockerManifest]: 'manifest',
};

/** The media types to ask a registry for, the preferred first. Schema 1 is named so that it can be refused by name. */
export const acceptedManifests: readonly string[] = [
  MediaType.ociIndex,
  MediaType.ociManifest,
  MediaType.dockerList,
  MediaType.dockerManifest,
  MediaType.dockerManifestV1Signed,
  MediaType.dockerManifestV1,
];

/** Strips parameters and case: `Application/JSON; charset=utf-8` is application/json. */
export function essence(mediaType: string): string {
  return (mediaType.split(';')[0] ?? '').trim().toLowerCase();
}

/** The kind that a media type names; undefined for all others, `application/json` and its like included. */
export function documentKind(mediaType: string): DocumentKind | undefined {
  return Object.hasOwn(kinds, mediaType) ? kinds[mediaType] : undefined;
}

/** Whether a media type is one of Docker's version 2, schema 1, which box does not read. */
export function isSchema1(mediaType: string): boolean {
  return mediaType === MediaType.dockerManifestV1 || mediaType === MediaType.dockerManifestV1Signed;
}

/** Whether a media type says nothing, so that the document decides: registries and proxies send such. */
export function isGeneric(mediaType: string): boolean {
  return [
    '',
    'application/json',
    'application/octet-stream',
    'binary/octet-stream',
    'text/plain',
    'text/json',
  ].includes(mediaType);
}

/** Whether a manifest's config makes it an image, and no other artifact. */
export function isImageConfig(mediaType: string): boolean {
  const type = essence(mediaType);
  return type === MediaType.ociConfig || type === MediaType.dockerConfig;
}

const layers =
  /^application\/vnd\.(?:oci\.image\.layer\.(?:nondistributable\.)?v1\.tar(?:\+gzip|\+zstd)?|docker\.image\.rootfs\.(?:diff|foreign\.diff)\.tar(?:\.gzip|\.zstd|\+zstd)?)$/;

/** Whether a descriptor is a layer that box can extract. */
export function isLayerType(mediaType: string): boolean {
  return layers.test(mediaType);
}

/** Whether an index entry describes another entry (an attestation, a signature) and is never an image to run. */
export function isAttestation(entry: Descriptor): boolean {
  if (entry.annotations?.['vnd.docker.reference.type'] !== undefined) return true;
  return entry.platform?.os === 'unknown' && entry.platform.architecture === 'unknown';
}
