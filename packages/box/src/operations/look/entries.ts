import { BoxError } from '@boxkit/contracts';
import { baseName, findInImage, parentPath, pathText, shownEntries } from '@boxkit/layer-applier';
import type { BytePath, Found, ImageTree, LayerEntry, SurveyedEntry } from '@boxkit/layer-applier';
import type { ImagePath, PathType } from './image-look.ts';

export function imagePath({ entry, path, layer }: Pick<SurveyedEntry, 'entry' | 'path' | 'layer'>): ImagePath {
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

function isoTime({ mtime }: LayerEntry): string {
  const date = new Date(mtime.seconds * 1000 + Math.floor(mtime.nanoseconds / 1e6));
  return Number.isNaN(date.getTime()) ? `@${mtime.seconds}` : date.toISOString();
}

/** What is at a path. Throws ERR_BOX_FILE_UNREADABLE when nothing is. */
export function requirePath(tree: ImageTree, text: string, options: { readonly follow?: boolean } = {}): Found {
  const found = findInImage(tree, text, options);
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
export function listPath(tree: ImageTree, text: string): readonly ImagePath[] {
  const { path, seen } = requirePath(tree, text);
  const wanted = (candidate: BytePath): boolean =>
    seen.kind === 'directory' ? candidate !== '' && parentPath(candidate) === path : candidate === path;
  const found: SurveyedEntry[] = [];
  for (const entry of shownEntries(tree)) if (wanted(entry.path)) found.push(entry);
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1)).map(imagePath);
}

/** The paths that a shell pattern fits: the last name, or all of it when the pattern has a slash. */
export function* findPaths(tree: ImageTree, pattern: string): Generator<ImagePath, void, undefined> {
  const fits = shellPattern(pattern.replace(/^\/+/, ''));
  const whole = pattern.includes('/');
  for (const entry of shownEntries(tree)) {
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
