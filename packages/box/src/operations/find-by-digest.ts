import { BoxError, type Store, type StoredImage } from '@boxkit/contracts';

/** As many digits as `box images` shows, or more of them, with or without their algorithm. */
const someDigits = /^(?:(?:sha256|sha512):)?[0-9a-f]{12,128}$/;

/**
 * An image of the store by the beginning of a digest: its root's, its manifest's, or its configuration's, which docker and
 * podman call the image's ID. Of several names of one image the first; undefined when the text is no digest, or none fits.
 * A name that reads like one wins. Throws ERR_BOX_USAGE when different images fit.
 */
export async function findByDigest(text: string, { images }: Pick<Store, 'images'>): Promise<StoredImage | undefined> {
  if (!someDigits.test(text) || (await images.get(`${text}:latest`)) !== undefined) return undefined;
  const fitting = (await images.list()).filter((image) => hasDigest(image, text));
  if (new Set(fitting.map(({ root }) => root.digest)).size <= 1) return fitting[0];
  throw new BoxError('ERR_BOX_USAGE', `cannot tell which image ${text} is: several have a digest that begins so`, {
    hint: `Name one: ${fitting.map(({ reference }) => reference).join(', ')}.`,
  });
}

function hasDigest({ root, manifest, config }: StoredImage, text: string): boolean {
  return [root, manifest, config].some(({ digest }) => {
    return digest.startsWith(text) || digest.slice(digest.indexOf(':') + 1).startsWith(text);
  });
}
