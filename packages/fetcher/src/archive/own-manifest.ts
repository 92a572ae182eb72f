import { documentKind, parseJson } from '@boxkit/manifest';
import { isDigest, type Descriptor } from '@boxkit/contracts';
import { indexName, layoutName, readLayoutIndex } from '../oci/layout.ts';
import { readWhole, type ArchiveFiles } from './archive-files.ts';
import type { ArchivedImage } from './docker-manifest.ts';
import { parseEntry } from './errors.ts';
import { blobPath } from './resolved-image.ts';

const manifestLimit = 4 * 1024 * 1024;

/**
 * The manifest that an image of docker's archive has after all, where the archive is an image layout too (docker since
 * version 25, containerd and box make such): that of index.json with the same config and layers. Its digest is then the
 * image's own. Undefined when there is none.
 */
export async function findOwnManifest(
  files: ArchiveFiles,
  image: ArchivedImage,
  signal: AbortSignal,
): Promise<Descriptor | undefined> {
  for (const name of [layoutName, indexName]) {
    if ((await files.find(name)) === undefined) return undefined;
  }
  const { entries } = await readLayoutIndex(files, signal);
  for (const { mediaType, digest, size } of entries) {
    if (documentKind(mediaType) !== 'manifest' || (await files.find(blobPath(digest)))?.size !== size) continue;
    const bytes = await readWhole(files, blobPath(digest), { limit: manifestLimit, signal });
    const document = parseEntry(files.path, blobPath(digest), () => parseJson(bytes, digest));
    if (names(document, image)) return { mediaType, digest, size };
  }
  return undefined;
}

/** Whether a manifest is of the same config and layers. Its shape is checked by who reads it as an image. */
function names(document: unknown, image: ArchivedImage): boolean {
  const { config, layers } = Object(document) as { readonly config?: unknown; readonly layers?: unknown };
  if (pathOf(config) !== image.config || !Array.isArray(layers)) return false;
  const paths = layers.map(pathOf);
  return paths.length === image.layers.length && paths.every((path, at) => path === image.layers[at]);
}

function pathOf(descriptor: unknown): string | undefined {
  const { digest } = Object(descriptor) as { readonly digest?: unknown };
  return typeof digest === 'string' && isDigest(digest) ? blobPath(digest) : undefined;
}
