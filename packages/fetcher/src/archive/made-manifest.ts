import { MediaType, type Descriptor, type Digest } from '@boxkit/contracts';
import type { Compression } from './compression.ts';
import { describeBytes, type Document } from './resolved-image.ts';

/** A layer of an archive that says nothing of media types. */
export interface ArchivedLayer {
  readonly compression: Compression | 'none';
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

const docker = {
  manifest: MediaType.dockerManifest,
  config: MediaType.dockerConfig,
  layers: { none: MediaType.dockerLayer, gzip: MediaType.dockerLayerGzip },
} as const;

const oci = {
  manifest: MediaType.ociManifest,
  config: MediaType.ociConfig,
  layers: { none: MediaType.ociLayer, gzip: MediaType.ociLayerGzip, zstd: MediaType.ociLayerZstd },
} as const;

/**
 * The manifest of an image of docker's archive format, which has none: docker's, or OCI's where a layer is zstd, for
 * which docker's has no word that others know.
 */
export function makeManifest(
  config: Uint8Array,
  layers: readonly ArchivedLayer[],
): { readonly manifest: Document; readonly config: Document } {
  const types = layers.some(({ compression }) => compression === 'zstd') ? oci : docker;
  const described = describeBytes(types.config, config);
  const names: Partial<Record<Compression | 'none', string>> = types.layers;
  const descriptors = layers.map(({ compression, digest, size }): Descriptor => {
    return { mediaType: names[compression] ?? MediaType.ociLayerZstd, digest, size };
  });
  const document = { schemaVersion: 2, mediaType: types.manifest, config: described.descriptor, layers: descriptors };
  return { manifest: describeBytes(types.manifest, Buffer.from(JSON.stringify(document))), config: described };
}
