import { parseJson } from '@boxkit/manifest';
import { BoxError, isDigest, type Descriptor, type ResolvedImage } from '@boxkit/contracts';
import { readWhole, type ArchiveFiles } from '../archive/archive-files.ts';
import { ArchiveError, parseEntry } from '../archive/errors.ts';
import { fullName } from '../archive/full-name.ts';
import { blobPath, describeBytes, resolvedImage, type Document } from '../archive/resolved-image.ts';

export const layoutName = 'oci-layout';
export const indexName = 'index.json';
export const layoutVersion = '1.0.0';
/** OCI image-spec, annotations.md: the tag, in an image layout. */
export const refNameKey = 'org.opencontainers.image.ref.name';
/** containerd's full name of an image, which docker writes too. */
export const imageNameKey = 'io.containerd.image.name';

const documentLimit = 4 * 1024 * 1024;
const hint = 'Make the layout with skopeo copy, umoci, buildah push or box pull --to oci:DIR.';

/**
 * Finds an image in an OCI image layout; its root is the index's entry, or index.json itself when that is the index of
 * one image for many platforms. Throws ERR_BOX_ARCHIVE_INVALID and ERR_BOX_IMAGE_NOT_FOUND. OCI image-spec, image-layout.md.
 */
export async function resolveLayout(
  files: ArchiveFiles,
  tag: string | undefined,
  signal: AbortSignal,
): Promise<ResolvedImage> {
  await requireLayout(files, signal);
  const index = await readLayoutIndex(files, signal);
  const chosen = chooseEntry(files.path, index, tag);
  return resolvedImage(files, chosen.descriptor, {
    ...('bytes' in chosen ? { documents: [chosen] } : {}),
    find: (digest) => files.find(blobPath(digest)),
  });
}

async function requireLayout(files: ArchiveFiles, signal: AbortSignal): Promise<void> {
  const bytes = await readWhole(files, layoutName, { limit: documentLimit, signal, hint });
  const { imageLayoutSchema, validate } = await import('@boxkit/manifest/documents');
  const { imageLayoutVersion } = parseEntry(files.path, layoutName, () =>
    validate(imageLayoutSchema, parseJson(bytes, layoutName), layoutName),
  );
  if (imageLayoutVersion === layoutVersion) return;
  const shown = JSON.stringify(imageLayoutVersion.slice(0, 40));
  throw new ArchiveError(files.path, layoutName, `the layout has version ${shown}; box reads ${layoutVersion}`);
}

interface LayoutIndex extends Document {
  readonly entries: readonly Descriptor[];
}

/** Reads index.json. */
export async function readLayoutIndex(files: ArchiveFiles, signal: AbortSignal): Promise<LayoutIndex> {
  const bytes = await readWhole(files, indexName, { limit: documentLimit, signal, hint });
  const { parseDocument } = await import('@boxkit/manifest/documents');
  const document = parseEntry(files.path, indexName, () => parseDocument(bytes, '', indexName));
  if (document.kind !== 'index') throw new ArchiveError(files.path, indexName, 'it is a manifest and no index');
  return { ...describeBytes(document.mediaType, bytes), entries: document.index.manifests };
}

function chooseEntry(
  archive: string,
  index: LayoutIndex,
  tag: string | undefined,
): Document | { readonly descriptor: Descriptor } {
  const { entries } = index;
  if (entries.length === 0) throw new ArchiveError(archive, indexName, 'it names no image');
  const matches = distinct(tag === undefined ? entries : matching(entries, tag));
  const [match, ...more] = matches;
  if (match === undefined) throw notFound(archive, entries, `there is none of the name ${JSON.stringify(tag)}`);
  if (more.length === 0) return { descriptor: match };
  // Tools that unpack an index into the layout leave one nameless entry for each platform.
  if (tag === undefined && entries.every(isNamelessPlatform)) return index;
  const which =
    tag === undefined ? `it holds ${matches.length} images` : `${matches.length} have the name ${JSON.stringify(tag)}`;
  throw notFound(archive, entries, which);
}

function matching(entries: readonly Descriptor[], tag: string): readonly Descriptor[] {
  const digest = tag.startsWith('@') ? tag.slice(1) : tag;
  if (isDigest(digest)) return entries.filter((entry) => entry.digest === digest);
  const position = /^@(\d{1,6})$/.exec(tag)?.[1];
  if (position !== undefined) return entries.slice(Number(position), Number(position) + 1);
  const exact = entries.filter((entry) => namesOf(entry).includes(tag));
  if (exact.length > 0) return exact;
  const wanted = fullName(tag);
  return entries.filter((entry) => wanted !== undefined && namesOf(entry).some((name) => fullName(name) === wanted));
}

function namesOf(entry: Descriptor): readonly string[] {
  return [entry.annotations?.[refNameKey], entry.annotations?.[imageNameKey]].filter((name) => name !== undefined);
}

function distinct(entries: readonly Descriptor[]): readonly Descriptor[] {
  return [...new Map(entries.map((entry) => [entry.digest, entry])).values()];
}

function isNamelessPlatform(entry: Descriptor): boolean {
  return entry.platform !== undefined && namesOf(entry).length === 0;
}

function notFound(archive: string, entries: readonly Descriptor[], reason: string): BoxError {
  const names = entries.map(
    (entry) => entry.annotations?.[refNameKey] ?? entry.annotations?.[imageNameKey] ?? `@${entry.digest}`,
  );
  return new BoxError('ERR_BOX_IMAGE_NOT_FOUND', `cannot choose an image of ${archive}: ${reason}`, {
    hint: `Add one of these after a colon: ${names.slice(0, 50).join(', ')}.`,
    fields: { archive, names },
  });
}
