import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BoxError, digestParts, MediaType, type Descriptor, type Image } from '@boxkit/contracts';
import { lockFile } from '@boxkit/linux';
import { parseJson, parseRegistryReference } from '@boxkit/manifest';
import { looksLikeLayout } from '../archive/detect.ts';
import { outputBytes, publishDirectory, publishFile, publishTar, type OutputFile } from '../archive/output.ts';
import { blobPath, describeBytes, type Document } from '../archive/resolved-image.ts';
import type { WriteImageOptions } from '../archive/write-docker.ts';
import { indexName, layoutName, layoutVersion, refNameKey } from './layout.ts';

/**
 * Writes an image into an OCI image layout: a new one, or one more tag of one that is there (an entry of that tag is
 * replaced). A manifest of Docker's is rewritten as OCI's, since tools for layouts read no other; blobs stay as they
 * are. Throws ERR_BOX_DIRECTORY_NOT_EMPTY for a directory that is no layout. OCI image-spec, image-layout.md.
 */
export async function writeOciLayout(image: Image, directory: string, options: WriteImageOptions = {}): Promise<void> {
  const signal = options.signal ?? new AbortController().signal;
  const { blobs, entry } = await layoutParts(image, { ...options, signal });
  if (!looksLikeLayout(directory)) {
    await publishDirectory(layoutFiles(blobs, [entry]), directory, signal);
    return;
  }
  for (const blob of blobs) {
    const path = join(directory, blob.name);
    if (!(await hasSize(path, blob.size))) await publishFile(blob, path, signal);
  }
  // Two who add a tag at once must not lose one of them.
  const lock = await lockFile(join(directory, '.box-lock'), { signal });
  try {
    // Last, so that the tag never points to what is not there yet.
    const index = await updatedIndex(directory, entry);
    await publishFile(outputBytes(indexName, JSON.stringify(index)), join(directory, indexName), signal);
  } finally {
    lock.release({ remove: true });
  }
}

/** Writes an image as a tar of an OCI image layout. */
export async function writeOciArchive(image: Image, file: string, options: WriteImageOptions = {}): Promise<void> {
  const signal = options.signal ?? new AbortController().signal;
  const { blobs, entry } = await layoutParts(image, { ...options, signal });
  await publishTar(layoutFiles(blobs, [entry]), file, signal);
}

/** Writes an image as skopeo's `dir:` does: its manifest as it is, and its blobs. */
export async function writeSkopeoDirectory(
  image: Image,
  directory: string,
  options: WriteImageOptions = {},
): Promise<void> {
  const signal = options.signal ?? new AbortController().signal;
  const manifest = await image.blobs.read(image.manifest, { signal });
  const nameOf = (descriptor: Descriptor) => {
    const { algorithm, hex } = digestParts(descriptor.digest);
    return algorithm === 'sha256' ? hex : `${algorithm}-${hex}`;
  };
  const blobs = contentBlobs(image, signal, nameOf);
  const files = [
    ...blobs,
    outputBytes('version', 'Directory Transport Version: 1.1\n'),
    outputBytes('manifest.json', manifest),
  ];
  await publishDirectory(files, directory, signal);
}

function layoutFiles(blobs: readonly OutputFile[], manifests: readonly Descriptor[]): readonly OutputFile[] {
  const index = { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests };
  return [
    ...blobs,
    outputBytes(layoutName, JSON.stringify({ imageLayoutVersion: layoutVersion })),
    outputBytes(indexName, JSON.stringify(index)),
  ];
}

async function layoutParts(
  image: Image,
  options: WriteImageOptions & { readonly signal: AbortSignal },
): Promise<{ readonly blobs: readonly OutputFile[]; readonly entry: Descriptor }> {
  const { signal } = options;
  const manifest = asOciManifest(image, await image.blobs.read(image.manifest, { signal }));
  const tag = options.tag ?? tagOf(image);
  return {
    blobs: [
      ...contentBlobs(image, signal, (descriptor) => blobPath(descriptor.digest)),
      outputBytes(blobPath(manifest.descriptor.digest), manifest.bytes),
    ],
    entry: {
      ...manifest.descriptor,
      platform: image.platform,
      ...(tag === undefined ? {} : { annotations: { [refNameKey]: tag } }),
    },
  };
}

/** Configuration and layers, each once. */
function contentBlobs(
  image: Image,
  signal: AbortSignal,
  nameOf: (descriptor: Descriptor) => string,
): readonly OutputFile[] {
  const descriptors = [image.config, ...image.layers.map((layer) => layer.descriptor)];
  const unique = new Map(descriptors.map((descriptor) => [descriptor.digest, descriptor]));
  return [...unique.values()].map((descriptor) => ({
    name: nameOf(descriptor),
    size: descriptor.size,
    content: () => image.blobs.open(descriptor, { signal }),
  }));
}

const ociTypes: Readonly<Record<string, string>> = {
  [MediaType.dockerConfig]: MediaType.ociConfig,
  [MediaType.dockerLayer]: MediaType.ociLayer,
  [MediaType.dockerLayerGzip]: MediaType.ociLayerGzip,
  'application/vnd.docker.image.rootfs.diff.tar.zstd': MediaType.ociLayerZstd,
  'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip':
    'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
};

function asOciManifest(image: Image, bytes: Uint8Array): Document {
  if (image.manifest.mediaType !== MediaType.dockerManifest) {
    return { descriptor: plain(image.manifest), bytes };
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: asOci(image.config),
    layers: image.layers.map((layer) => asOci(layer.descriptor)),
  };
  return describeBytes(MediaType.ociManifest, Buffer.from(JSON.stringify(manifest)));
}

function asOci(descriptor: Descriptor): Descriptor {
  return { ...descriptor, mediaType: ociTypes[descriptor.mediaType] ?? descriptor.mediaType };
}

/** Without what the place it came from said of it: names and platform are said anew. */
function plain({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

function tagOf(image: Image): string | undefined {
  return image.reference.scheme === 'docker' ? parseRegistryReference(image.reference.location).tag : undefined;
}

async function hasSize(path: string, size: number): Promise<boolean> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return found?.isFile() === true && found.size === size;
}

/** The index of a layout with one entry more. Its other entries and fields are kept as they are. */
async function updatedIndex(directory: string, entry: Descriptor): Promise<object> {
  const path = join(directory, indexName);
  const index = parseJson(await readFile(path), path) as { readonly manifests?: unknown };
  if (!Array.isArray(index.manifests)) {
    throw new BoxError(
      'ERR_BOX_ARCHIVE_INVALID',
      `cannot add to the layout ${directory}: ${indexName} has no manifests`,
    );
  }
  const tag = entry.annotations?.[refNameKey];
  const others = (index.manifests as readonly Partial<Descriptor>[]).filter((other) => {
    const name = other.annotations?.[refNameKey];
    return name === undefined ? tag !== undefined || other.digest !== entry.digest : name !== tag;
  });
  return { ...index, manifests: [...others, entry] };
}
