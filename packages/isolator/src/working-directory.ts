import { posix } from 'node:path';

/** An absolute, normal path; an image's relative one counts from the root. */
export function workingDirectory(path: string): string {
  return posix.resolve('/', path);
}
