import { createHash } from 'node:crypto';
import {
  BoxError,
  MediaType,
  parseDigest,
  type Descriptor,
  type Digest,
  type OutgoingDocument,
  type OutgoingImage,
} from '@boxkit/contracts';
import { parseJson } from '@boxkit/manifest';

/** Whose media types manifests are written with: the OCI's, or Docker's version 2, schema 2. */
export type ManifestFormat = 'oci' | 'v2s2';

const pairs: readonly (readonly [oci: string, docker: string])[] = [
  [MediaType.ociIndex, MediaType.dockerList],
  [MediaType.ociManifest, MediaType.dockerManifest],
  [MediaType.ociConfig, MediaType.dockerConfig],
  [MediaType.ociLayer, MediaType.dockerLayer],
  [MediaType.ociLayerGzip, MediaType.dockerLayerGzip],
  [MediaType.ociLayerZstd, 'application/vnd.docker.image.rootfs.diff.tar.zstd'],
  [
    'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
    'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
  ],
];

const types: Readonly<Record<ManifestFormat, ReadonlyMap<string, string>>> = {
  oci: new Map(pairs.map(([oci, docker]) => [docker, oci])),
  v2s2: new Map(pairs),
};

type Json = Readonly<Record<string, unknown>>;

/** Whether a document is in the other format, so that writing it in this one changes its digest. */
export function needsConversion(image: OutgoingImage, format: ManifestFormat): boolean {
  return image.documents.some(({ descriptor }) => types[format].has(descriptor.mediaType));
}

/**
 * Rewrites manifests and indexes with another format's media types; configs and layers stay as they are. Digests of what
 * is rewritten change, and no others. Throws ERR_BOX_DOCUMENT_UNSUPPORTED for what Docker's format cannot say.
 */
export function convertOutgoing(image: OutgoingImage, format: ManifestFormat): OutgoingImage {
  if (!needsConversion(image, format)) return image;
  const renamed = types[format];
  const moved = new Map<Digest, Descriptor>();

  const asDescriptor = (value: unknown): unknown => {
    const descriptor = value as Descriptor;
    const child = moved.get(descriptor.digest);
    const mediaType = renamed.get(descriptor.mediaType) ?? descriptor.mediaType;
    if (format === 'v2s2') requireDockers(image, mediaType);
    return { ...descriptor, mediaType, ...(child && { digest: child.digest, size: child.size }) };
  };

  const documents = image.documents.map((document): OutgoingDocument => {
    const { descriptor, bytes } = document;
    const mediaType = renamed.get(descriptor.mediaType) ?? descriptor.mediaType;
    const { schemaVersion, mediaType: _old, ...fields } = parseJson(bytes, descriptor.digest) as Json;
    const kept = format === 'v2s2' ? withoutOciFields(fields) : fields;
    const rewritten = JSON.stringify({
      schemaVersion,
      mediaType,
      ...kept,
      ...(fields['config'] === undefined ? {} : { config: asDescriptor(fields['config']) }),
      ...(Array.isArray(fields['layers']) ? { layers: fields['layers'].map(asDescriptor) } : {}),
      ...(Array.isArray(fields['manifests']) ? { manifests: fields['manifests'].map(asDescriptor) } : {}),
    });
    const converted = describe(mediaType, Buffer.from(rewritten));
    moved.set(descriptor.digest, converted.descriptor);
    return converted;
  });
  const root = moved.get(image.root.digest) ?? image.root;
  return { ...image, root, documents, ...(image.image && { image: { ...image.image, manifest: root } }) };
}

/** Fields of the OCI's that Docker's schema does not have, and strict registries refuse. */
function withoutOciFields(fields: Json): Json {
  const { annotations: _annotations, artifactType: _type, subject: _subject, ...rest } = fields;
  return rest;
}

function requireDockers({ reference }: OutgoingImage, mediaType: string): void {
  if (mediaType.startsWith('application/vnd.docker.') && !mediaType.endsWith('zstd')) return;
  throw new BoxError(
    'ERR_BOX_DOCUMENT_UNSUPPORTED',
    `cannot write ${reference.text} in Docker's format v2s2: it has no ${mediaType}`,
    { hint: 'Write it with --format oci, or as it is.', fields: { mediaType } },
  );
}

function describe(mediaType: string, bytes: Uint8Array): OutgoingDocument {
  const digest = parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
  return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
}
