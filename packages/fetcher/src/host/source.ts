import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import {
  BoxError,
  MediaType,
  type Descriptor,
  type Digest,
  type ImageSource,
  type Platform,
  type ResolvedImage,
  type SourceContext,
  type SourceStream,
  writeError,
} from '@boxkit/contracts';
import { describeBytes, streamFrom } from '../archive/resolved-image.ts';
import { collect } from './collect.ts';
import { layerNames, type HostTree } from './host-tree.ts';
import { packLayer, type PackedLayer } from './pack-layer.ts';
import { imagePath } from './path.ts';
import { buildMarker } from './skeleton.ts';
import { parsePrograms } from './programs.ts';
import { requireHostPlatform } from './platform.ts';

/** `host:sh,ls,ps`: an image made on the spot of this machine's own programs, so that nothing need be fetched. */
export function hostSource(): ImageSource {
  return {
    scheme: 'host',
    description: "an image made of this machine's own programs: host:sh,ls,ps",
    normalize: (location) => parsePrograms(location).join(','),
    resolve: (reference, context) => resolveHostImage(parsePrograms(reference.location), context),
  };
}

async function resolveHostImage(programs: readonly string[], context: SourceContext): Promise<ResolvedImage> {
  const platform = requireHostPlatform(context.platform);
  context.signal.throwIfAborted();
  const { tree, command } = collect(programs, process.env.PATH);
  tree.set('finish', whiteoutOf(buildMarker), { type: 'text', mode: 0o644, text: '' });

  const staging = await context.store.stage('host-image');
  try {
    context.signal.throwIfAborted();
    const layers = await packLayers(tree, staging.path, context.signal);
    return imageOf(describe(layers, command, platform), layers, async () => {
      await staging[Symbol.asyncDispose]();
    });
  } catch (error) {
    await staging[Symbol.asyncDispose]();
    throw writeError(`make an image of this machine's programs in ${context.store.home}`, error);
  }
}

async function packLayers(tree: HostTree, directory: string, signal: AbortSignal): Promise<readonly PackedLayer[]> {
  const packing = layerNames.map((name) =>
    packLayer(tree.entries(name), join(directory, `${name}.tar`), {
      // The last is left plain: it is tiny, and a plain layer is worth having in the image that shows how all works.
      compress: name !== 'finish',
      signal,
    }),
  );
  // Whatever fails, nobody writes into the directory any more when it is removed.
  await Promise.allSettled(packing);
  return Promise.all(packing);
}

function whiteoutOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return `${path.slice(0, slash)}/.wh.${path.slice(slash + 1)}`;
}

interface Documents {
  readonly root: Descriptor;
  readonly bytes: ReadonlyMap<Digest, Uint8Array>;
}

/** Writes config and manifest. OCI image-spec, config.md and manifest.md. */
function describe(layers: readonly PackedLayer[], command: string, platform: Platform): Documents {
  const created = '1970-01-01T00:00:00Z';
  const config = describeBytes(
    MediaType.ociConfig,
    json({
      created,
      ...platform,
      config: { Env: [`PATH=${imagePath}`], Cmd: [command], WorkingDir: '/' },
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) },
      history: layerNames.map((name) => ({ created, created_by: `box host: ${name}` })),
    }),
  );
  const manifest = describeBytes(
    MediaType.ociManifest,
    json({
      schemaVersion: 2,
      mediaType: MediaType.ociManifest,
      config: config.descriptor,
      layers: layers.map((layer) => layer.descriptor),
    }),
  );
  return {
    root: { ...manifest.descriptor, platform },
    bytes: new Map([config, manifest].map(({ descriptor, bytes }) => [descriptor.digest, bytes])),
  };
}

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function imageOf(documents: Documents, layers: readonly PackedLayer[], dispose: () => Promise<void>): ResolvedImage {
  const files = new Map(layers.map((layer) => [layer.descriptor.digest, layer.path]));
  return {
    descriptor: documents.root,
    open(descriptor, { offset = 0, signal }): Promise<SourceStream> {
      const bytes = documents.bytes.get(descriptor.digest);
      if (bytes !== undefined) return Promise.resolve(streamFrom(offset, [bytes.subarray(offset)]));
      const path = files.get(descriptor.digest);
      if (path !== undefined) {
        return Promise.resolve(
          streamFrom(offset, createReadStream(path, { start: offset, highWaterMark: 1024 * 1024, signal })),
        );
      }
      return Promise.reject(
        new BoxError('ERR_BOX_BLOB_MISSING', `cannot open ${descriptor.digest}: it is no part of this host image`),
      );
    },
    [Symbol.asyncDispose]: dispose,
  };
}
