import type { ImageSource, ResolvedImage, SourceContext } from '@boxkit/contracts';
import { layoutName, resolveLayout } from '../oci/layout.ts';
import type { ArchiveFiles } from './archive-files.ts';
import { looksLikeDockerDirectory, looksLikeTar } from './detect.ts';
import { resolveArchivedImage } from './docker-archive.ts';
import { chooseArchivedImage, manifestName, readArchiveManifest } from './docker-manifest.ts';
import { repositoriesName, resolveLegacyImage } from './legacy-archive.ts';
import { detectPath, normalizeLocation, parseLocation } from './location.ts';
import { openArchive } from './open-archive.ts';

const scheme = 'docker-archive';

/** `docker-archive:PATH[:TAG]`: what `docker save` writes, as a file (compressed or not) or unpacked in a directory. */
export function dockerArchiveSource(): ImageSource {
  return {
    scheme,
    description: 'a file of docker save, or a directory with manifest.json: docker-archive:image.tar:name:tag',
    detect: (text) => detectPath(text, (path) => looksLikeTar(path) || looksLikeDockerDirectory(path)),
    normalize: (location) => normalizeLocation(location, scheme),
    async resolve(reference, context) {
      const { path, tag } = parseLocation(reference.location, scheme);
      const files = await openArchive(path, context, { links: 'follow', accept: 'either' });
      try {
        return await resolveIn(files, tag, context);
      } catch (error) {
        await files[Symbol.asyncDispose]();
        throw error;
      }
    },
  };
}

/** Finds an image in open files. They are the image's from then on, or the caller's when this throws. */
export async function resolveIn(
  files: ArchiveFiles,
  tag: string | undefined,
  context: Pick<SourceContext, 'signal'>,
): Promise<ResolvedImage> {
  const { signal } = context;
  if ((await files.find(manifestName)) === undefined) {
    // A file without scheme is taken for docker's; it may be an image layout all the same.
    if ((await files.find(layoutName)) !== undefined) return resolveLayout(files, tag, signal);
    if ((await files.find(repositoriesName)) !== undefined) return resolveLegacyImage(files, tag, signal);
  }
  const images = await readArchiveManifest(files, signal);
  return resolveArchivedImage(files, chooseArchivedImage(files.path, images, tag), signal);
}
