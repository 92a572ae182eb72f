import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * `mkdir -p`. Node's own never returns where the kernel says ENOENT below a directory that is there, as /proc does, and
 * says ENOENT where the kernel says EROFS.
 *
 * @param path absolute
 * @returns the directories that were missing, deepest first
 * @throws the system error of the first one that cannot be made
 */
export function makeDirectories(path: string, mode: number): string[] {
  const first = makeOne(path, mode);
  if (!(first instanceof Error)) return first;
  if (dirname(path) === path) throw first;
  const above = makeDirectories(dirname(path), mode);
  const second = makeOne(path, mode);
  if (second instanceof Error) throw second;
  return [...second, ...above];
}

/** Gives back the error where a parent seems to be missing. */
function makeOne(path: string, mode: number): string[] | Error {
  try {
    mkdirSync(path, { mode });
    return [path];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return [];
    if (code === 'ENOENT') return error as Error;
    throw error;
  }
}
