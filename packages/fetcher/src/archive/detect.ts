import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** How compressed files begin: gzip, zstd, and xz and bzip2, which box does not read, but can tell from a repository's name. */
const compressed = ['1f8b', '28b52ffd', 'fd377a58', '425a68'];

/** Whether `path` is a regular file that begins as a tar does, or as a compressed file. */
export function looksLikeTar(path: string): boolean {
  const start = startOf(path, 512);
  if (start === undefined || start.length < 8) return false;
  const magic = start.toString('hex', 0, 4);
  return start.toString('latin1', 257, 262) === 'ustar' || compressed.some((begin) => magic.startsWith(begin));
}

/**
 * Whether `path` is a directory with the manifest.json of `docker save` (a list, where skopeo's `dir:` has an object), or the
 * `repositories` of docker before 1.10.
 */
export function looksLikeDockerDirectory(path: string): boolean {
  return startsWith(join(path, 'manifest.json'), '[') || startsWith(join(path, 'repositories'), '{');
}

/** Whether `path` is a directory as skopeo's `dir:` makes them. */
export function looksLikeSkopeoDirectory(path: string): boolean {
  return startsWith(join(path, 'manifest.json'), '{') && startsWith(join(path, 'version'), 'Directory Transport');
}

/** Whether `path` is an OCI image layout. */
export function looksLikeLayout(path: string): boolean {
  return startsWith(join(path, 'oci-layout'), '{');
}

function startsWith(path: string, text: string): boolean {
  return startOf(path, 512)?.toString('utf8').trimStart().startsWith(text) ?? false;
}

function startOf(path: string, length: number): Buffer | undefined {
  try {
    // Opening a fifo waits for its other end, and a tape rewinds: ask first.
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const bytes = Buffer.alloc(length);
      if (!fstatSync(descriptor).isFile()) return undefined;
      return bytes.subarray(0, readSync(descriptor, bytes, 0, length, 0));
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
}
