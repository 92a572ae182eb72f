import { accessSync, constants } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { hostEnvironment } from './plan.ts';

/** The absolute path of a host program, from the caller's PATH or the usual directories; undefined when it is missing. */
export function findProgram(name: string, path = process.env['PATH'] ?? ''): string | undefined {
  const directories = `${path}:${hostEnvironment['PATH'] ?? ''}`
    .split(':')
    .filter((directory) => isAbsolute(directory));
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // missing, or not ours to execute: look on
    return false;
  }
}
