import { statSync } from 'node:fs';
import { BoxError, type Image } from '@boxkit/contracts';
import { writeOciArchive, writeOciLayout, writeSkopeoDirectory } from '../oci/write.ts';
import { parseLocation } from './location.ts';
import { writeDockerArchive, writeDockerArchiveDirectory, type WriteImageOptions } from './write-docker.ts';

type Writer = (image: Image, path: string, options: WriteImageOptions) => Promise<void>;

const writers: Readonly<Record<string, (path: string) => Writer>> = {
  'docker-archive': (path) => (isDirectory(path) ? writeDockerArchiveDirectory : writeDockerArchive),
  oci: () => writeOciLayout,
  'oci-archive': () => writeOciArchive,
  dir: () => writeSkopeoDirectory,
};

/**
 * Writes an image to where `target` says, in the form that a source reads: `docker-archive:DIR/` (a frozen directory; the
 * slash, or that it exists, tells it from a file), `docker-archive:FILE[:TAG]`, `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`,
 * `dir:DIR`. Nothing is seen before all of it is there. Throws ERR_BOX_USAGE, ERR_BOX_DIRECTORY_NOT_EMPTY, and what reading throws.
 */
export async function writeImage(image: Image, target: string, options: WriteImageOptions = {}): Promise<void> {
  const colon = target.indexOf(':');
  const scheme = target.slice(0, Math.max(colon, 0));
  const location = target.slice(colon + 1);
  const writer = Object.hasOwn(writers, scheme) ? writers[scheme] : undefined;
  if (writer === undefined || location === '') throw unknownTarget(target);
  const { path, tag } = parseLocation(location, scheme);
  const slash = /\/(?::|$)/.test(location.slice(location.lastIndexOf('/')));
  const write = writer(slash ? `${path}/` : path);
  await write(image, path, tag === undefined ? options : { ...options, tag });
}

function isDirectory(path: string): boolean {
  return path.endsWith('/') || statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function unknownTarget(target: string): BoxError {
  const shown = JSON.stringify(target.slice(0, 160));
  return new BoxError('ERR_BOX_USAGE', `cannot write an image to ${shown}: no such kind of place`, {
    hint: 'Write docker-archive:DIR/, docker-archive:FILE, oci:DIR[:TAG], oci-archive:FILE[:TAG] or dir:DIR.',
  });
}
