import { digestParts, type Digest, type ImageSource, type ResolvedImage, type SourceContext } from '@boxkit/contracts';
import { readWhole, type ArchiveFile, type ArchiveFiles } from '../archive/archive-files.ts';
import { looksLikeSkopeoDirectory } from '../archive/detect.ts';
import { parseEntry } from '../archive/errors.ts';
import { detectPath, parseLocation } from '../archive/location.ts';
import { openArchive } from '../archive/open-archive.ts';
import { describeBytes, resolvedImage } from '../archive/resolved-image.ts';

const scheme = 'dir';
const manifestName = 'manifest.json';
const manifestLimit = 4 * 1024 * 1024;

/** `dir:DIR`: skopeo's directory of a manifest and its blobs, as a registry had them. containers/image, docs/containers-transports.5 "dir". */
export function skopeoDirectorySource(): ImageSource {
  return {
    scheme,
    description: "skopeo's directory of a manifest and its blobs: dir:DIR",
    detect: (text) => detectPath(text, looksLikeSkopeoDirectory),
    normalize: (location) => parseLocation(location, scheme).path,
    async resolve(reference, context) {
      const { path } = parseLocation(reference.location, scheme);
      const files = await openArchive(path, context, { links: 'refuse', accept: 'directory' });
      try {
        return await resolveDirectory(files, context);
      } catch (error) {
        await files[Symbol.asyncDispose]();
        throw error;
      }
    },
  };
}

async function resolveDirectory(files: ArchiveFiles, { signal }: SourceContext): Promise<ResolvedImage> {
  const bytes = await readWhole(files, manifestName, { limit: manifestLimit, signal });
  const { parseDocument } = await import('@boxkit/manifest/documents');
  const { mediaType } = parseEntry(files.path, manifestName, () => parseDocument(bytes, '', manifestName));
  const root = describeBytes(mediaType, bytes);
  return resolvedImage(files, root.descriptor, { documents: [root], find: (digest) => findBlob(files, digest) });
}

/** Blobs are named by their digits alone; the manifests that an index leads to have an ending. */
async function findBlob(files: ArchiveFiles, digest: Digest): Promise<ArchiveFile | undefined> {
  const { algorithm, hex } = digestParts(digest);
  const name = algorithm === 'sha256' ? hex : `${algorithm}-${hex}`;
  return (await files.find(name)) ?? (await files.find(`${name}.manifest.json`));
}
