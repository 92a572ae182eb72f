import { statSync } from 'node:fs';
import { BoxError, type ImageDestination, type OutgoingImage } from '@boxkit/contracts';
import { normalizeLocation, parseLocation } from './location.ts';
import { publishDirectory, publishTar } from './output.ts';
import { frozenFiles } from './write-frozen.ts';
import { forOnePlatform, savedFiles } from './write-saved.ts';

const scheme = 'docker-archive';

/**
 * `docker-archive:FILE[:TAG]`, as `docker save` writes it, a file that is there replaced whole; `docker-archive:DIR/[:TAG]`,
 * a frozen directory (the slash, or that it exists, tells it from a file).
 */
export function dockerArchiveDestination(): ImageDestination {
  return {
    scheme,
    description: 'a file for docker load: docker-archive:FILE[:TAG], or a directory: docker-archive:DIR/',
    holdsMany: true,
    normalize: (location) => (isDirectory(location) ? withSlash(location) : normalizeLocation(location, scheme)),
    async write(images, reference, context) {
      const { path, tag } = parseLocation(reference.location, scheme);
      if (isDirectory(reference.location)) {
        const image = forOnePlatform(onlyOne(images, reference.text));
        await publishDirectory(await frozenFiles(image, tag, context), path, context.signal);
        return;
      }
      await publishTar(savedFiles(images, tag, context), path, context);
    },
  };
}

function isDirectory(location: string): boolean {
  const { path } = parseLocation(location, scheme);
  return endsInSlash(location) || statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Whether a slash stands at the end, or before the tag. */
function endsInSlash(location: string): boolean {
  const { tag } = parseLocation(location, scheme);
  return (tag === undefined ? location : location.slice(0, -tag.length - 1)).endsWith('/');
}

function withSlash(location: string): string {
  const { path, tag } = parseLocation(location, scheme);
  return tag === undefined ? `${path}/` : `${path}/:${tag}`;
}

function onlyOne(images: readonly OutgoingImage[], where: string): OutgoingImage {
  const [image, ...others] = images;
  if (image !== undefined && others.length === 0) return image;
  throw new BoxError('ERR_BOX_USAGE', `cannot write ${images.length} images to ${where}: it holds one`, {
    hint: 'Write them to a file: docker-archive:FILE.',
  });
}
