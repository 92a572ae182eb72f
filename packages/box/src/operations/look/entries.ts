import { BoxError } from '@boxkit/contracts';
import { baseName, pathText } from '@boxkit/layer-applier';
import type { IndexedEntry, IndexedImage, IndexedPath, LayerEntry } from '@boxkit/layer-applier';
import type { ImagePath, PathType } from './image-look.ts';

/** An entry of a layer as plain data. */
export function imagePath({ entry, path, layer }: ShownPath): ImagePath {
  const { type, mode, uid, gid, size, link, major, minor } = entry;
  return {
    path: `/${pathText(path)}`,
    type: type as PathType,
    mode: mode.toString(8).padStart(4, '0'),
    uid,
    gid,
    size,
    mtime: isoTime(entry),
    ...(link === '' ? {} : { link: type === 'hardlink' ? `/${pathText(link)}` : pathText(link) }),
    ...(type === 'character-device' || type === 'block-device' ? { device: `${major}:${minor}` } : {}),
    layer: layer.position,
  };
}

interface ShownPath extends Pick<IndexedEntry, 'entry' | 'path'> {
  readonly layer: Pick<IndexedEntry['layer'], 'position'>;
}

function isoTime({ mtime }: LayerEntry): string {
  const date = new Date(mtime.seconds * 1000 + Math.floor(mtime.nanoseconds / 1e6));
  return Number.isNaN(date.getTime()) ? `@${mtime.seconds}` : date.toISOString();
}

/** What is at a path. Throws ERR_BOX_FILE_UNREADABLE when nothing is. */
export function requirePath(
  image: IndexedImage,
  text: string,
  options: { readonly follow?: boolean } = {},
): IndexedPath {
  const found = image.find(text, options);
  if (found !== undefined) return found;
  throw noSuchPath(text);
}

export function noSuchPath(text: string): BoxError {
  return new BoxError(
    'ERR_BOX_FILE_UNREADABLE',
    `cannot find ${JSON.stringify(text)} in the image: no layer shows it`,
    {
      hint: "Paths count from the image's root, as /etc/os-release; `box find REF NAME` finds a name anywhere.",
      fields: { path: text },
    },
  );
}

/** The entries of a directory in the order of their names, or of a path that is none. */
export function listPath(image: IndexedImage, text: string): readonly ImagePath[] {
  const found = requirePath(image, text);
  if (found.kind === 'directory') return Array.from(image.list(found), imagePath);
  const entry = image.describe(found);
  return entry === undefined ? [] : [imagePath(entry)];
}

/** The paths that a shell pattern fits: the last name, or all of it when the pattern has a slash. */
export function* findPaths(image: IndexedImage, pattern: string): Generator<ImagePath, void, undefined> {
  const fits = shellPattern(pattern.replace(/^\/+/, ''));
  const whole = pattern.includes('/');
  for (const entry of image.shown()) {
    if (entry.path !== '' && fits(whole ? entry.path : baseName(entry.path))) yield imagePath(entry);
  }
}

/** `*` and `?` as in a shell, over bytes; without a regular expression, which a pattern could make slow. */
export function shellPattern(text: string): (name: string) => boolean {
  const pattern = Buffer.from(text).toString('latin1');
  return (name) => {
    let at = 0;
    let star = -1;
    let resume = 0;
    for (let i = 0; i < name.length;) {
      if (pattern[at] === '*') {
        star = at;
        at += 1;
        resume = i;
      } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === name[i])) {
        at += 1;
        i += 1;
      } else if (star >= 0) {
        at = star + 1;
        resume += 1;
        i = resume;
      } else return false;
    }
    while (pattern[at] === '*') at += 1;
    return at === pattern.length;
  };
}
