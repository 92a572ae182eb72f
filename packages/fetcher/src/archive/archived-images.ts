import { isDigest, type ResolvedImage, type StageContext } from '@boxkit/contracts';
import { imageNameKey, layoutName, readLayoutIndex, refNameKey, resolveLayout } from '../oci/layout.ts';
import type { ArchiveFiles } from './archive-files.ts';
import { resolveArchivedImage } from './docker-archive.ts';
import { manifestName, readArchiveManifest } from './docker-manifest.ts';
import { legacyNames, repositoriesName, resolveLegacyImage } from './legacy-archive.ts';
import { openArchive } from './open-archive.ts';

/** One image of an archive with all the names that it has there. */
export interface ArchivedEntry {
  /** As they are written there: `busybox:latest`. */
  readonly names: readonly string[];
  /** Opens it; to be disposed of before the archive. */
  resolve(): Promise<ResolvedImage>;
}

export interface ArchivedImages extends AsyncDisposable {
  readonly entries: readonly ArchivedEntry[];
}

/**
 * Lists the images of an archive of any kind: docker's, or an image layout, a directory or a file, which may be compressed.
 * `shown` is what errors call it. Throws ERR_BOX_ARCHIVE_INVALID, and ERR_BOX_IMAGE_NOT_FOUND when nothing is at `path`.
 */
export async function openArchivedImages(
  path: string,
  context: Pick<StageContext, 'store' | 'signal'>,
  shown = path,
): Promise<ArchivedImages> {
  const opened = await openArchive(path, context, { links: 'follow', accept: 'either', shown });
  // The images share the archive, so none of them may close it.
  const files: ArchiveFiles = {
    path: shown,
    find: (name) => opened.find(name),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  try {
    const entries = await listEntries(files, context.signal);
    return { entries, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}

async function listEntries(files: ArchiveFiles, signal: AbortSignal): Promise<readonly ArchivedEntry[]> {
  const has = async (name: string): Promise<boolean> => (await files.find(name)) !== undefined;
  if (!(await has(manifestName))) {
    if (await has(layoutName)) return await layoutEntries(files, signal);
    if (await has(repositoriesName)) {
      const legacy = await legacyNames(files, signal);
      return legacy.map((names) => ({ names, resolve: () => resolveLegacyImage(files, names[0], signal) }));
    }
  }
  const images = await readArchiveManifest(files, signal);
  return images.map((image) => ({ names: image.tags, resolve: () => resolveArchivedImage(files, image, signal) }));
}

/** The named images of a layout, each with all its names; or the only one, which has none. */
async function layoutEntries(files: ArchiveFiles, signal: AbortSignal): Promise<readonly ArchivedEntry[]> {
  const { entries } = await readLayoutIndex(files, signal);
  const names = new Map<string, Set<string>>();
  for (const { digest, annotations } of entries) {
    const name = annotations?.[imageNameKey] ?? annotations?.[refNameKey];
    if (name !== undefined && isDigest(digest)) names.set(digest, (names.get(digest) ?? new Set()).add(name));
  }
  if (names.size === 0) return [{ names: [], resolve: () => resolveLayout(files, undefined, signal) }];
  return [...names].map(([digest, known]) => ({
    names: [...known],
    resolve: () => resolveLayout(files, digest, signal),
  }));
}
