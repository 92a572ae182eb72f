import { digestParts, MediaType, type Image } from '@boxkit/contracts';
import { familiarRegistryReference, parseRegistryReference } from '@boxkit/manifest';
import { describeBytes } from './resolved-image.ts';
import { outputBytes, publishDirectory, publishTar, type OutputFile } from './output.ts';

export interface WriteImageOptions {
  /** The name in the archive; by default that of the image's reference, where it has one. */
  readonly tag?: string;
  readonly signal?: AbortSignal;
}

/**
 * Writes an image as moby's download-frozen-image script does: `manifest.json`, `repositories`, `CONFIG.json`, and for
 * each layer `ID/layer.tar`, compressed as the registry had it. `tar -C DIR -c . | docker load` loads it. The directory
 * must be absent or empty (ERR_BOX_DIRECTORY_NOT_EMPTY), and is there whole or not at all.
 */
export async function writeDockerArchiveDirectory(
  image: Image,
  directory: string,
  options: WriteImageOptions = {},
): Promise<void> {
  const signal = options.signal ?? new AbortController().signal;
  await publishDirectory(await dockerArchiveFiles(image, { ...options, signal }), directory, signal);
}

/** Writes an image as one file, as `docker save` does. */
export async function writeDockerArchive(image: Image, file: string, options: WriteImageOptions = {}): Promise<void> {
  const signal = options.signal ?? new AbortController().signal;
  await publishTar(await dockerArchiveFiles(image, { ...options, signal }), file, signal);
}

async function dockerArchiveFiles(
  image: Image,
  options: WriteImageOptions & { readonly signal: AbortSignal },
): Promise<readonly OutputFile[]> {
  const { signal } = options;
  const config = await image.blobs.read(image.config, { signal });
  const { hex } = digestParts(describeBytes(MediaType.dockerConfig, config).descriptor.digest);
  // Two layers of the same content are two layers: the chainID tells them apart.
  const layerIds = image.layers.map((layer) => digestParts(layer.chainId).hex);
  const name = nameOf(image, options.tag);
  const manifest = [
    {
      Config: `${hex}.json`,
      RepoTags: name === undefined ? null : [name],
      Layers: layerIds.map((layerId) => `${layerId}/layer.tar`),
    },
  ];
  return [
    outputBytes(`${hex}.json`, config),
    ...image.layers.flatMap((layer, index) => {
      const directory = layerIds[index] ?? '';
      return [
        outputBytes(`${directory}/VERSION`, '1.0'),
        outputBytes(`${directory}/json`, JSON.stringify(legacyConfig(image, layerIds, index))),
        {
          name: `${directory}/layer.tar`,
          size: layer.descriptor.size,
          content: () => image.blobs.open(layer.descriptor, { signal }),
        },
      ];
    }),
    outputBytes('manifest.json', `${JSON.stringify(manifest)}\n`),
    ...repositories(name, layerIds.at(-1)).map((value) => outputBytes('repositories', `${JSON.stringify(value)}\n`)),
  ];
}

/** What `docker load` before 1.10 reads; docker's image specification v1.0. */
function legacyConfig(image: Image, layerIds: readonly string[], index: number): Readonly<Record<string, unknown>> {
  const ids = { id: layerIds[index], ...(index === 0 ? {} : { parent: layerIds[index - 1] }) };
  if (index < layerIds.length - 1) return { ...ids, created: '0001-01-01T00:00:00Z', container_config: {} };
  const { rootfs: _rootfs, history: _history, ...rest } = image.imageConfig;
  return { ...rest, ...ids };
}

function repositories(name: string | undefined, top: string | undefined): readonly object[] {
  if (name === undefined || top === undefined) return [];
  const colon = name.lastIndexOf(':');
  return [{ [name.slice(0, colon)]: { [name.slice(colon + 1)]: top } }];
}

/** `name:tag` as docker writes it, with docker.io and library/ left out. */
function nameOf(image: Image, tag: string | undefined): string | undefined {
  const written = tag ?? (image.reference.scheme === 'docker' ? image.reference.location : undefined);
  if (written === undefined) return undefined;
  const { digest, ...reference } = parseRegistryReference(written);
  if (reference.tag === undefined && digest !== undefined) return undefined;
  return familiarRegistryReference({ ...reference, tag: reference.tag ?? 'latest' });
}
