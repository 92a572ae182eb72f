import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

/** The PATH of a host image, and where programs are looked for after the caller's own PATH. */
export const imagePath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Finds a program as a shell does. `name` is bare or an absolute path; an absolute one is returned even when absent. */
export function findProgram(name: string, searchPath: string | undefined): string | undefined {
  if (isAbsolute(name)) return name;
  const directories = `${searchPath ?? ''}:${imagePath}`.split(':').filter(isAbsolute);
  const there = directories.map((directory) => join(directory, name)).filter(isFile);
  // An unreadable program is better named as such than as missing.
  return there.find((path) => may(path, constants.X_OK)) ?? there[0];
}

function isFile(path: string): boolean {
  return statOf(path)?.isFile() ?? false;
}

function statOf(path: string): ReturnType<typeof statSync> {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
