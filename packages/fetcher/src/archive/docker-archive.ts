import { createHash } from 'node:crypto';
import { parseDigest, type DiffId, type Digest, type ResolvedImage } from '@boxkit/contracts';
import { readWhole, type ArchiveFile, type ArchiveFiles } from './archive-files.ts';
import { compressionOf } from './compression.ts';
import type { ArchivedImage } from './docker-manifest.ts';
import { ArchiveError, parseEntry } from './errors.ts';
import { type ArchivedLayer, makeManifest } from './made-manifest.ts';
import { findOwnManifest } from './own-manifest.ts';
import { blobPath, resolvedImage } from './resolved-image.ts';

const configLimit = 8 * 1024 * 1024;

/**
 * Gives an image of docker's archive format its manifest, or, where it lacks one, makes it. A plain layer's digest is its diffID; that of a
 * compressed one is found by reading it. Both are verified again by whoever reads the layer.
 */
export async function resolveArchivedImage(
  files: ArchiveFiles,
  image: ArchivedImage,
  signal: AbortSignal,
): Promise<ResolvedImage> {
  const own = await findOwnManifest(files, image, signal);
  if (own !== undefined) return resolvedImage(files, own, { find: (digest) => files.find(blobPath(digest)) });
  const configBytes = await readWhole(files, image.config, { limit: configLimit, signal });
  const diffIds = await readDiffIds(files.path, image, configBytes);
  const places = new Map<Digest, ArchiveFile>();
  const layers: ArchivedLayer[] = [];
  for (const [index, name] of image.layers.entries()) {
    const file = await layerFile(files, name, index);
    const layer = await describeLayer(files.path, name, file, { diffId: diffIds[index], signal });
    places.set(layer.digest, file);
    layers.push(layer);
  }
  const { manifest, config } = makeManifest(configBytes, layers);
  return resolvedImage(files, manifest.descriptor, {
    documents: [manifest, config],
    find: (digest) => Promise.resolve(places.get(digest)),
  });
}

async function readDiffIds(archive: string, image: ArchivedImage, config: Uint8Array): Promise<readonly DiffId[]> {
  const { parseImageConfig } = await import('@boxkit/manifest/documents');
  const { rootfs } = parseEntry(archive, image.config, () => parseImageConfig(config, 'the image configuration'));
  if (rootfs.diff_ids.length !== image.layers.length) {
    const counts = `manifest.json has ${image.layers.length} layers, this configuration ${rootfs.diff_ids.length}`;
    throw new ArchiveError(archive, image.config, counts);
  }
  return rootfs.diff_ids;
}

async function layerFile(files: ArchiveFiles, name: string, index: number): Promise<ArchiveFile> {
  const file = await files.find(name);
  if (file === undefined) throw new ArchiveError(files.path, name, `layer ${index} is missing`);
  return file;
}

async function describeLayer(
  archive: string,
  name: string,
  file: ArchiveFile,
  options: { readonly diffId: DiffId | undefined; readonly signal: AbortSignal },
): Promise<ArchivedLayer> {
  const { diffId, signal } = options;
  const compression = compressionOf(await firstBytes(file, signal), archive, name) ?? 'none';
  const known = compression === 'none' ? (diffId as string | undefined) : digestInName(name);
  const digest = known === undefined ? await digestOf(file, signal) : parseDigest(known);
  return { compression, digest, size: file.size };
}

/** Enough of a file to tell how it is compressed. */
export async function firstBytes(file: ArchiveFile, signal: AbortSignal): Promise<Uint8Array> {
  for await (const chunk of file.read(0, signal)) return chunk.subarray(0, 8);
  return new Uint8Array();
}

/** Since docker 25 an archive is an image layout too, whose blobs have their digests for names. */
function digestInName(name: string): string | undefined {
  const hex = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(name)?.[1];
  return hex === undefined ? undefined : `sha256:${hex}`;
}

async function digestOf(file: ArchiveFile, signal: AbortSignal): Promise<Digest> {
  const hash = createHash('sha256');
  for await (const chunk of file.read(0, signal)) hash.update(chunk);
  return parseDigest(`sha256:${hash.digest('hex')}`);
}
