import { builtInSchemes } from '@boxkit/manifest';

/** An image and a path in it, written as one: `alpine:/etc`. */
export interface ImageAndPath {
  readonly reference: string;
  readonly path?: string;
}

/**
 * Splits `REF:/PATH` at its last `:/`, unless what stands before is a scheme (`oci:/srv/image`), whose location that
 * slash begins.
 */
export function splitImagePath(text: string, schemes: readonly string[] = builtInSchemes): ImageAndPath {
  const colon = text.lastIndexOf(':/');
  const before = text.slice(0, colon);
  if (colon <= 0 || schemes.includes(before) || text.startsWith('//', colon + 1)) return { reference: text };
  return { reference: before, path: text.slice(colon + 1) };
}
