import { lstatSync } from 'node:fs';
import { resolve } from 'node:path';
import { BoxError } from '@boxkit/contracts';

/** `PATH[:TAG]`, taken apart. */
export interface Location {
  /** Absolute. */
  readonly path: string;
  /** What picks one image of several: a tag, a full name, or `@N` for the N-th. */
  readonly tag?: string;
}

/**
 * Splits `PATH[:TAG]` at the first colon that has an existing path before it, else at the first colon. A colon may
 * be part of a file's name, so what exists decides. Throws ERR_BOX_REFERENCE_INVALID.
 */
export function parseLocation(location: string, scheme: string): Location {
  const colons = [...location.matchAll(/:/g)].map((match) => match.index);
  const ends = [location.length, ...colons];
  const end = ends.find((at) => at > 0 && exists(location.slice(0, at))) ?? colons[0] ?? location.length;
  const path = location.slice(0, end);
  const tag = location.slice(end + 1);
  if (path === '' || location.includes('\0')) {
    throw new BoxError(
      'ERR_BOX_REFERENCE_INVALID',
      `cannot use ${JSON.stringify(`${scheme}:${location.slice(0, 160)}`)}: it names no path`,
      {
        hint: `Write ${scheme}:PATH or ${scheme}:PATH:TAG.`,
      },
    );
  }
  return { path: resolve(path), ...(tag === '' ? {} : { tag }) };
}

/** A location by its absolute path, so that it means the same from every working directory. */
export function normalizeLocation(location: string, scheme: string): string {
  const { path, tag } = parseLocation(location, scheme);
  return tag === undefined ? path : `${path}:${tag}`;
}

/** Whether a text without scheme leads to a path that `test` knows. A text that leads nowhere is no error here. */
export function detectPath(text: string, test: (path: string) => boolean): boolean {
  if (text === '' || text.startsWith(':') || text.includes('\0')) return false;
  return test(parseLocation(text, '').path);
}

function exists(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}
