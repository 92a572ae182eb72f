import type { Descriptor, DiffId, Image, Layer, Platform, Reference } from '@boxkit/contracts';
import { chainIds, hostPlatform, platformOf } from '@boxkit/manifest';
import { editImage, emptyImage, type ImageEdit, type NewDocument } from '@boxkit/manifest/edit';
import type { DiskStore } from '@boxkit/store';
import type { Scope } from '../machine.ts';
import { storedBlobs } from '../stored-blobs.ts';

/** What an image is made of. The blobs of its new layers are in the store. */
export interface Making extends ImageEdit {
  /** Undefined for an image of these layers alone. */
  readonly base: Image | undefined;
  /** Of an image without a base. */
  readonly platform?: Platform;
  /** What the new image is called. */
  readonly reference: Reference;
}

/**
 * Writes the documents of a new image into the store, under no name yet. Blobs of the base that the store lacks are
 * still read from where the base came from. Throws ERR_BOX_STORE_FULL, ERR_BOX_STORE_UNWRITABLE and what reading throws.
 */
export async function makeImage(making: Making, { store, context }: Pick<Scope, 'store' | 'context'>): Promise<Image> {
  const { base, reference } = making;
  const { signal } = context;
  const { parseDocument, parseImageConfig } = await import('@boxkit/manifest/documents');
  const documents =
    base === undefined
      ? emptyImage(making.platform ?? hostPlatform())
      : {
          manifest: {
            mediaType: base.manifest.mediaType,
            bytes: await base.blobs.read(base.manifest, { signal }),
          },
          config: await base.blobs.read(base.config, { signal }),
        };
  const { manifest, config } = editImage(documents, making);
  for (const document of [config, manifest]) await keepDocument(document, store, signal);
  const imageConfig = parseImageConfig(config.bytes, `the configuration of ${reference.text}`);
  const read = parseDocument(manifest.bytes, manifest.descriptor.mediaType, reference.text);
  const descriptors = read.kind === 'manifest' ? (read.manifest.layers as readonly Descriptor[]) : [];
  return {
    reference,
    root: manifest.descriptor,
    manifest: manifest.descriptor,
    config: config.descriptor,
    platform: base?.platform ?? platformOf(imageConfig),
    layers: joinLayers(descriptors, imageConfig.rootfs.diff_ids),
    imageConfig,
    blobs: base?.blobs ?? storedBlobs(store),
    ...(base?.requested === undefined ? {} : { requested: base.requested }),
  };
}

async function keepDocument({ descriptor, bytes }: NewDocument, store: DiskStore, signal: AbortSignal): Promise<void> {
  await using writer = await store.blobs.write(descriptor, { signal });
  if (writer === undefined) return;
  if (writer.offset > 0) await writer.restart();
  await writer.write(bytes);
  await writer.commit();
}

function joinLayers(descriptors: readonly Descriptor[], diffIds: readonly DiffId[]): readonly Layer[] {
  const chain = chainIds(diffIds);
  return descriptors.flatMap((descriptor, at) => {
    const [diffId, chainId] = [diffIds[at], chain[at]];
    return diffId === undefined || chainId === undefined ? [] : [{ descriptor, diffId, chainId }];
  });
}
