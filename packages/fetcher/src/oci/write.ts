import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  BoxError,
  digestParts,
  type Descriptor,
  type DestinationContext,
  type Digest,
  type OutgoingImage,
} from '@boxkit/contracts';
import { lockFile } from '@boxkit/linux';
import { parseJson } from '@boxkit/manifest';
import { looksLikeLayout } from '../archive/detect.ts';
import { outputBytes, publishDirectory, publishInto, type OutputFile } from '../archive/output.ts';
import { blobPath } from '../archive/resolved-image.ts';
import { outputBlob, tellPresent } from '../outgoing/output-blob.ts';
import { layoutBlobs, layoutEntries, layoutFiles } from './layout-files.ts';
import { indexName, refNameKey } from './layout.ts';

/**
 * Writes an image into an OCI image layout: a new one, or one more tag of one that is there (an entry of that tag is
 * replaced). Throws ERR_BOX_DIRECTORY_NOT_EMPTY for a directory that is no layout. OCI image-spec, image-layout.md.
 */
export async function writeOciLayout(
  images: readonly OutgoingImage[],
  place: { readonly path: string; readonly tag?: string },
  context: DestinationContext,
): Promise<void> {
  const { path: directory, tag } = place;
  const { signal } = context;
  if (!looksLikeLayout(directory)) {
    await publishDirectory(layoutFiles(images, tag, context), directory, signal);
    return;
  }
  const files: OutputFile[] = [];
  for (const blob of layoutBlobs(images, context)) {
    if (!(await hasSize(join(directory, blob.name), blob.size))) files.push(blob);
  }
  const missing = new Set(files.map(({ name }) => name));
  for (const descriptor of images.flatMap(({ blobs }) => blobs)) {
    if (!missing.has(blobPath(descriptor.digest))) tellPresent(descriptor, context);
  }
  // Two who add a tag at once must not lose one of them.
  const locked = async <T>(work: () => Promise<T>): Promise<T> => {
    const lock = await lockFile(join(directory, '.box-lock'), { signal });
    try {
      return await work();
    } finally {
      lock.release({ remove: true });
    }
  };
  const last = async (): Promise<OutputFile> =>
    outputBytes(indexName, JSON.stringify(await updatedIndex(directory, layoutEntries(images, tag))));
  await publishInto(directory, { files, last, lock: locked }, signal);
}

/** Writes an image as skopeo's `dir:` does: its manifest as it is, its blobs, and, of an index, the manifests below it. */
export async function writeSkopeoDirectory(
  outgoing: OutgoingImage,
  directory: string,
  context: DestinationContext,
): Promise<void> {
  const { documents, blobs, root } = outgoing;
  const files = [
    ...blobs.map((descriptor) => outputBlob(nameInDirectory(descriptor.digest), outgoing, descriptor, context)),
    ...documents
      .filter(({ descriptor }) => descriptor.digest !== root.digest)
      .map(({ descriptor, bytes }) => outputBytes(`${nameInDirectory(descriptor.digest)}.manifest.json`, bytes)),
    outputBytes('version', 'Directory Transport Version: 1.1\n'),
    ...documents
      .filter(({ descriptor }) => descriptor.digest === root.digest)
      .map(({ bytes }) => outputBytes('manifest.json', bytes)),
  ];
  await publishDirectory(files, directory, context.signal);
}

function nameInDirectory(digest: Digest): string {
  const { algorithm, hex } = digestParts(digest);
  return algorithm === 'sha256' ? hex : `${algorithm}-${hex}`;
}

async function hasSize(path: string, size: number): Promise<boolean> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return found?.isFile() === true && found.size === size;
}

/** The index of a layout with more entries. Its other entries and fields are kept as they are. */
async function updatedIndex(directory: string, entries: readonly Descriptor[]): Promise<object> {
  const path = join(directory, indexName);
  const index = parseJson(await readFile(path), path) as { readonly manifests?: unknown };
  if (!Array.isArray(index.manifests)) {
    throw new BoxError(
      'ERR_BOX_ARCHIVE_INVALID',
      `cannot add to the layout ${directory}: ${indexName} has no manifests`,
    );
  }
  const tags = new Set(entries.map((entry) => entry.annotations?.[refNameKey]));
  const digests = new Set(entries.map(({ digest }) => digest));
  const others = (index.manifests as readonly Partial<Descriptor>[]).filter((other) => {
    const name = other.annotations?.[refNameKey];
    if (name !== undefined) return !tags.has(name);
    return !(tags.has(undefined) && other.digest !== undefined && digests.has(other.digest));
  });
  return { ...index, manifests: [...others, ...entries] };
}
