import { MediaType, type Descriptor, type Platform } from '@boxkit/contracts';
import { describe, type BuiltBlob, type BuiltLayer } from './layer.ts';

/** A root document (a manifest or an index) and all that hangs on it. */
export interface BuiltDocument extends BuiltBlob {
  /** Manifests below an index. */
  readonly documents: readonly BuiltDocument[];
  /** Config and layers of a manifest. */
  readonly blobs: readonly BuiltBlob[];
}

export interface BuiltImage extends BuiltDocument {
  readonly config: BuiltBlob;
  readonly layers: readonly BuiltLayer[];
}

export interface ImageParts {
  readonly layers: readonly BuiltLayer[];
  /** The `config` object of the image's configuration: Cmd, Env, User ... */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Default: linux on this machine's processor. */
  readonly platform?: Platform;
  /** Whose media types; default `oci`. */
  readonly format?: 'oci' | 'docker';
  readonly annotations?: Readonly<Record<string, string>>;
  /** Merged over the finished configuration: to make it wrong. */
  readonly configOverride?: Readonly<Record<string, unknown>>;
  /** Merged over the finished manifest: to make it wrong. */
  readonly manifestOverride?: Readonly<Record<string, unknown>>;
}

const dockerTypes: Readonly<Record<string, string>> = {
  [MediaType.ociLayer]: MediaType.dockerLayer,
  [MediaType.ociLayerGzip]: MediaType.dockerLayerGzip,
  [MediaType.ociConfig]: MediaType.dockerConfig,
  [MediaType.ociManifest]: MediaType.dockerManifest,
  [MediaType.ociIndex]: MediaType.dockerList,
};

export const machinePlatform: Platform = {
  os: 'linux',
  architecture: process.arch === 'x64' ? 'amd64' : process.arch,
};

/** Puts an image together: configuration and manifest that fit the layers, unless told to be wrong. */
export function buildImage(parts: ImageParts): BuiltImage {
  const format = parts.format ?? 'oci';
  const platform = parts.platform ?? machinePlatform;
  const layers = parts.layers.map((layer) => ({ ...layer, descriptor: typed(layer.descriptor, format) }));
  const config = document(
    {
      ...platform,
      created: '2023-11-14T22:13:20Z',
      config: { Cmd: ['/bin/sh'], ...parts.config },
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
      history: layers.map((_layer, at) => ({ created_by: `layer ${at}` })),
      ...parts.configOverride,
    },
    mediaType(MediaType.ociConfig, format),
  );
  const manifestType = mediaType(MediaType.ociManifest, format);
  const manifest = document(
    {
      schemaVersion: 2,
      mediaType: manifestType,
      config: config.descriptor,
      layers: layers.map(({ descriptor }) => descriptor),
      ...(parts.annotations === undefined ? {} : { annotations: parts.annotations }),
      ...parts.manifestOverride,
    },
    manifestType,
  );
  return {
    bytes: manifest.bytes,
    descriptor: { ...manifest.descriptor, platform },
    config,
    layers,
    documents: [],
    blobs: [config, ...layers],
  };
}

/** An index of images or of further indexes. */
export function buildIndex(
  documents: readonly BuiltDocument[],
  options: { readonly format?: 'oci' | 'docker'; readonly annotations?: Readonly<Record<string, string>> } = {},
): BuiltDocument {
  const type = mediaType(MediaType.ociIndex, options.format ?? 'oci');
  const index = document(
    {
      schemaVersion: 2,
      mediaType: type,
      manifests: documents.map(({ descriptor }) => descriptor),
      ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
    },
    type,
  );
  return { ...index, documents, blobs: [] };
}

/** Any JSON as a blob. */
export function document(value: unknown, type: string): BuiltBlob {
  const bytes = Buffer.from(JSON.stringify(value));
  return { bytes, descriptor: describe(bytes, type) };
}

function mediaType(oci: string, format: 'oci' | 'docker'): string {
  return format === 'docker' ? (dockerTypes[oci] ?? oci) : oci;
}

function typed(descriptor: Descriptor, format: 'oci' | 'docker'): Descriptor {
  return { ...descriptor, mediaType: mediaType(descriptor.mediaType, format) };
}
