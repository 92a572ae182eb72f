import { digestParts, type DestinationContext, type Image, type OutgoingImage } from '@boxkit/contracts';
import { outputBlob } from '../outgoing/output-blob.ts';
import { imageNames, type ImageName } from './image-name.ts';
import { outputBytes, type OutputFile } from './output.ts';

type ForOnePlatform = OutgoingImage & { readonly image: Image };

/**
 * An image as moby's download-frozen-image script leaves it: `manifest.json`, `repositories`, `CONFIG.json`, and for each
 * layer `ID/layer.tar`, compressed as the registry had it. `tar -C DIR -c . | docker load` loads it.
 */
export async function frozenFiles(
  outgoing: ForOnePlatform,
  tag: string | undefined,
  context: DestinationContext,
): Promise<readonly OutputFile[]> {
  const { image } = outgoing;
  const config = await image.blobs.read(image.config, { signal: context.signal });
  const { hex } = digestParts(image.config.digest);
  // Two layers of the same content are two layers: the chainID tells them apart.
  const layerIds = image.layers.map((layer) => digestParts(layer.chainId).hex);
  const names = imageNames(outgoing, tag);
  const manifest = [
    {
      Config: `${hex}.json`,
      RepoTags: names.length === 0 ? null : names.map(({ familiar }) => familiar),
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
        outputBlob(`${directory}/layer.tar`, outgoing, layer.descriptor, context),
      ];
    }),
    outputBytes('manifest.json', `${JSON.stringify(manifest)}\n`),
    ...repositories(names, layerIds.at(-1)).map((value) => outputBytes('repositories', `${JSON.stringify(value)}\n`)),
  ];
}

/** What `docker load` before 1.10 reads; docker's image specification v1.0. */
function legacyConfig(image: Image, layerIds: readonly string[], index: number): Readonly<Record<string, unknown>> {
  const ids = { id: layerIds[index], ...(index === 0 ? {} : { parent: layerIds[index - 1] }) };
  if (index < layerIds.length - 1) return { ...ids, created: '0001-01-01T00:00:00Z', container_config: {} };
  const { rootfs: _rootfs, history: _history, ...rest } = image.imageConfig;
  return { ...rest, ...ids };
}

function repositories(names: readonly ImageName[], top: string | undefined): readonly object[] {
  if (names.length === 0 || top === undefined) return [];
  const byName: Record<string, Record<string, string>> = {};
  for (const { familiar, tag } of names) {
    (byName[familiar.slice(0, familiar.lastIndexOf(':'))] ??= {})[tag] = top;
  }
  return [byName];
}
