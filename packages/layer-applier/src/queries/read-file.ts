import { once } from 'node:events';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { BoxError, type Image, type PrepareOptions, type StageContext } from '@boxkit/contracts';
import { spawnInIdMap } from '@boxkit/linux';
import { bytes } from '../drivers/overlay-view.ts';
import { requireInImage } from './find-in-image.ts';
import { openImageTree, type ImageTree } from './image-tree.ts';

export interface ReadFileOptions extends PrepareOptions {
  /** Bytes; a longer file is ERR_BOX_BUDGET_EXCEEDED. Default 64 MiB. */
  readonly limit?: number;
}

/**
 * One file of an image, as a process inside would read it: `/etc/os-release`, symlinks followed inside the root. Nothing is
 * mounted or merged. Throws ERR_BOX_USAGE when there is no such file.
 */
export async function readFile(
  image: Image,
  path: string,
  context: StageContext,
  options: ReadFileOptions = {},
): Promise<Buffer> {
  return readFromTree(await openImageTree(image, context, options), path, options);
}

/** The same of an image that is open. */
export async function readFromTree(tree: ImageTree, path: string, options: ReadFileOptions = {}): Promise<Buffer> {
  const { seen } = requireInImage(tree, path);
  if (seen.kind !== 'other') throw notAFile(path, 'a directory');
  try {
    return readRegular(path, seen.path, options.limit ?? 64 * 2 ** 20);
  } catch (error) {
    // A file of a subordinate id whose mode is closed to others: root of the namespace may read it.
    const denied = error instanceof Error && 'code' in error && error.code === 'EACCES';
    if (!denied || tree.idMap.kind === 'host') throw error;
    const child = spawnInIdMap(tree.idMap, ['cat', '--', Buffer.from(seen.path, 'latin1').toString()], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return collect(child.stdout, once(child, 'close'));
  }
}

function readRegular(shown: string, path: string, limit: number): Buffer {
  // A fifo or a device of an image must not be waited for or read.
  const fd = openSync(bytes(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw notAFile(shown, 'no regular file');
    if (stat.size > limit) {
      throw new BoxError('ERR_BOX_BUDGET_EXCEEDED', `cannot read ${shown} of the image: it has ${stat.size} bytes`, {
        hint: `At most ${limit} bytes are read; raise the limit, or unpack the image.`,
        fields: { path: shown, size: stat.size, limit },
      });
    }
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

async function collect(stream: Readable | null, closed: Promise<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  await closed;
  return Buffer.concat(chunks);
}

function notAFile(path: string, what: string): BoxError {
  return new BoxError('ERR_BOX_USAGE', `cannot read ${JSON.stringify(path)} of the image: it is ${what}`, {
    fields: { path },
  });
}
