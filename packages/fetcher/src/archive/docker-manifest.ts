import { parseJson, parseRegistryReference } from '@boxkit/manifest';
import { BoxError } from '@boxkit/contracts';
import { entryName, readWhole, type ArchiveFiles } from './archive-files.ts';
import { ArchiveError, parseEntry } from './errors.ts';
import { fullName } from './full-name.ts';

/** One image of an archive's manifest.json, its names in normal form. */
export interface ArchivedImage {
  readonly config: string;
  readonly layers: readonly string[];
  /** As `docker save` wrote them: `busybox:latest`. */
  readonly tags: readonly string[];
}

export const manifestName = 'manifest.json';
const documentLimit = 4 * 1024 * 1024;

/** Reads manifest.json. Throws ERR_BOX_ARCHIVE_INVALID, naming the field that is wrong. */
export async function readArchiveManifest(files: ArchiveFiles, signal: AbortSignal): Promise<readonly ArchivedImage[]> {
  const bytes = await readWhole(files, manifestName, {
    limit: documentLimit,
    signal,
    hint: 'Make the archive with docker save, podman save, skopeo copy or box pull --to docker-archive:PATH.',
  });
  const { archiveManifestSchema, validate } = await import('@boxkit/manifest/documents');
  const images = parseEntry(files.path, manifestName, () => {
    const value = parseJson(bytes, manifestName);
    if (Array.isArray(value)) return validate(archiveManifestSchema, value, manifestName);
    throw new ArchiveError(files.path, manifestName, 'it is no list of images', {
      hint: 'For a directory that skopeo made with dir: write dir:PATH.',
    });
  });
  if (images.length === 0) throw new ArchiveError(files.path, manifestName, 'it names no image');
  return images.map((image, index) => ({
    config: entryName(files.path, image.Config, `[${index}].Config of ${manifestName}`),
    layers: image.Layers.map((layer, at) =>
      entryName(files.path, layer, `[${index}].Layers[${at}] of ${manifestName}`),
    ),
    tags: (image.RepoTags ?? []).map((tag, at) => checkedTag(files.path, tag, `[${index}].RepoTags[${at}]`)),
  }));
}

function checkedTag(archive: string, tag: string, where: string): string {
  try {
    parseRegistryReference(tag);
    return tag;
  } catch (cause) {
    throw new ArchiveError(archive, manifestName, `${where}: ${JSON.stringify(tag.slice(0, 200))} is no image name`, {
      cause,
    });
  }
}

/**
 * Picks the image that `wanted` means: a name with or without tag, a tag alone, `@N`, or the only one.
 * Throws ERR_BOX_IMAGE_NOT_FOUND, listing what there is.
 */
export function chooseArchivedImage(
  archive: string,
  images: readonly ArchivedImage[],
  wanted: string | undefined,
): ArchivedImage {
  const [first, ...others] = images;
  if (wanted === undefined) {
    if (first !== undefined && others.length === 0) return first;
    throw ambiguous(archive, images, `it holds ${images.length} images`);
  }
  const position = /^@(\d{1,6})$/.exec(wanted)?.[1];
  const matches =
    position === undefined ? matching(images, wanted) : images.slice(Number(position), Number(position) + 1);
  const [match, ...more] = matches;
  if (match !== undefined && more.length === 0) return match;
  const found = matches.length === 0 ? 'there is none' : `there are ${matches.length}`;
  throw ambiguous(archive, images, `${found} of the name ${JSON.stringify(wanted.slice(0, 200))}`);
}

function matching(images: readonly ArchivedImage[], wanted: string): readonly ArchivedImage[] {
  const name = fullName(wanted);
  const byName = images.filter((image) => image.tags.some((tag) => tag === wanted || fullName(tag) === name));
  if (byName.length > 0) return byName;
  return images.filter((image) => image.tags.some((tag) => tag.endsWith(`:${wanted}`)));
}

function ambiguous(archive: string, images: readonly ArchivedImage[], reason: string): BoxError {
  const tags = images.flatMap((image, index) => (image.tags.length === 0 ? [`@${index}`] : image.tags));
  return new BoxError('ERR_BOX_IMAGE_NOT_FOUND', `cannot choose an image of ${archive}: ${reason}`, {
    hint: `Add one of these after a colon: ${tags.slice(0, 50).join(', ')}.`,
    fields: { archive, tags },
  });
}
