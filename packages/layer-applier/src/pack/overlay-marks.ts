import type { FoundEntry } from './find-entry.ts';

/** Whose marks an upper directory of overlayfs has; undefined for a tree that has none. */
export type MarkNamespace = 'trusted' | 'user' | undefined;

/** Whether a name of an upper directory stands for nothing. Documentation/filesystems/overlayfs.rst, "whiteouts". */
export function isWhiteoutMark(found: FoundEntry, upper: MarkNamespace): boolean {
  if (upper === undefined) return false;
  if (found.type === 'character-device') return found.major === 0 && found.minor === 0;
  return found.type === 'file' && found.size === 0 && found.xattrs?.has(`${upper}.overlay.whiteout`) === true;
}

/** Whether a directory of an upper directory hides all that is below it in others. */
export function isOpaqueMark({ xattrs }: FoundEntry, upper: MarkNamespace): boolean {
  if (upper === undefined) return false;
  const value = xattrs?.get(`${upper}.overlay.opaque`);
  return value !== undefined && Buffer.from(value).toString() === 'y';
}

/** Without overlayfs's own attributes; those that a container set are stored by it under a name that is escaped. */
export function withoutMarks(found: FoundEntry, upper: MarkNamespace): FoundEntry {
  if (upper === undefined || found.xattrs === undefined) return found;
  const own = `${upper}.overlay.`;
  const kept = [...found.xattrs].flatMap(([key, value]): [string, Uint8Array][] => {
    if (!key.startsWith(own)) return [[key, value]];
    return key.startsWith(`${own}overlay.`) ? [[`${own}${key.slice(`${own}overlay.`.length)}`, value]] : [];
  });
  return { ...found, xattrs: kept.length === 0 ? undefined : new Map(kept) };
}
