import { MediaType } from '@boxkit/contracts';

/** The two families of media types, which name the same things. */
export type ImageFormat = 'oci' | 'docker';

export type LayerCompression = 'none' | 'gzip' | 'zstd';

const zstdOfDocker = 'application/vnd.docker.image.rootfs.diff.tar.zstd';

const ociTypes: Readonly<Record<string, string>> = {
  [MediaType.dockerManifest]: MediaType.ociManifest,
  [MediaType.dockerConfig]: MediaType.ociConfig,
  [MediaType.dockerLayer]: MediaType.ociLayer,
  [MediaType.dockerLayerGzip]: MediaType.ociLayerGzip,
  [zstdOfDocker]: MediaType.ociLayerZstd,
  'application/vnd.docker.image.rootfs.diff.tar+zstd': MediaType.ociLayerZstd,
  'application/vnd.docker.image.rootfs.foreign.diff.tar': 'application/vnd.oci.image.layer.nondistributable.v1.tar',
  'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip':
    'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
};

/** The family of a manifest's media type. */
export function formatOf(manifestType: string): ImageFormat {
  return manifestType === MediaType.dockerManifest ? 'docker' : 'oci';
}

/** OCI's name for what a media type of Docker's names; others as they are. */
export function toOciType(mediaType: string): string {
  return ociTypes[mediaType] ?? mediaType;
}

/** The compression that the media type of a layer tells of. */
export function compressionOf(mediaType: string): LayerCompression {
  if (/[.+]zstd$/.test(mediaType)) return 'zstd';
  return /[.+]gzip$/.test(mediaType) ? 'gzip' : 'none';
}

const layerTypes = {
  oci: { none: MediaType.ociLayer, gzip: MediaType.ociLayerGzip, zstd: MediaType.ociLayerZstd },
  docker: { none: MediaType.dockerLayer, gzip: MediaType.dockerLayerGzip, zstd: zstdOfDocker },
} as const;

/** What a layer is called in a manifest of a family. */
export function layerType(format: ImageFormat, compression: LayerCompression): string {
  return layerTypes[format][compression];
}
