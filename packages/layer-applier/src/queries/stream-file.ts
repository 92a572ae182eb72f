import { once } from 'node:events';
import { constants, createReadStream, fstatSync, openSync, closeSync } from 'node:fs';
import { BoxError, type Image, type PrepareOptions, type StageContext } from '@boxkit/contracts';
import { spawnInIdMap } from '@boxkit/linux';
import { openBlobTree } from '../blob-tree/open-blob-tree.ts';
import { readBlobContent } from '../blob-tree/read-blob-content.ts';
import { walkNodes, type DirectoryNode, type TreeNode } from '../blob-tree/nodes.ts';
import { baseName, parentPath, pathFromText, type BytePath } from '../byte-path.ts';
import { findStack } from '../drivers/overlay-stack.ts';
import { bytes } from '../drivers/overlay-view.ts';
import { findInImage } from './find-in-image.ts';
import { openImageTree, type ImageTree } from './image-tree.ts';

/**
 * The bytes of one file of an image, found as a process inside would find it: `/etc/os-release`, symlinks followed inside
 * the root. Of layers that the store has extracted the file itself is read; else the blobs are, and nothing is
 * extracted or written. Throws ERR_BOX_FILE_UNREADABLE when there is no such file, or no regular one.
 */
export async function* streamFile(
  image: Image,
  path: string,
  context: StageContext,
  options: PrepareOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const isExtracted = (await findStack(image, context)) !== undefined;
  if (isExtracted || !(await hasBlobs(image, context))) {
    yield* streamFromTree(await openImageTree(image, context, options), path, context.signal);
    return;
  }
  const node = findNode(await openBlobTree(image, context, options), path);
  if (node === undefined) throw missing(path);
  if (node.kind !== 'file') throw noFile(path, node.kind === 'directory');
  yield* readBlobContent(image, node, context.signal);
}

/** A layer that is extracted may have lost its blob. */
async function hasBlobs({ layers }: Image, { store }: StageContext): Promise<boolean> {
  for (const { descriptor, diffId } of layers) {
    if ((await store.layers.has(diffId)) && !(await store.blobs.has(descriptor.digest))) return false;
  }
  return true;
}

const mostSymlinks = 40;

function findNode(root: DirectoryNode, text: string): TreeNode | undefined {
  let path = pathFromText(text.replace(/\/+$/, ''));
  for (let hops = 0; hops <= mostSymlinks; hops += 1) {
    const name = baseName(path);
    if (name === '' || name === '.' || name === '..') return walkNodes(root, path).directory;
    const { directory, path: place } = walkNodes(root, parentPath(path));
    const node = directory?.children.get(name);
    if (node?.kind !== 'symlink') return node;
    path = (node.target.startsWith('/') ? node.target : `${place.join('/')}/${node.target}`) as BytePath;
  }
  return undefined;
}

/** The same of an image that is open, its layers extracted. */
export async function* streamFromTree(
  tree: ImageTree,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const found = findInImage(tree, path);
  if (found === undefined) throw missing(path);
  if (found.seen.kind !== 'other') throw noFile(path, found.seen.kind === 'directory');
  const place = found.seen.path;
  let fd: number;
  try {
    // A fifo or a device of an image must not be waited for or read.
    fd = openSync(bytes(place), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    // A file of a subordinate id whose mode is closed to others: root of the namespace may read it.
    const isDenied = error instanceof Error && 'code' in error && error.code === 'EACCES';
    if (!isDenied || tree.idMap.kind === 'host') throw unreadable(path, error);
    yield* fromNamespace(tree, place, path, signal);
    return;
  }
  if (!fstatSync(fd).isFile()) {
    closeSync(fd);
    throw noFile(path, false);
  }
  for await (const chunk of createReadStream('', { fd, signal })) yield chunk as Uint8Array;
}

async function* fromNamespace(
  tree: ImageTree,
  place: string,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const child = spawnInIdMap(tree.idMap, ['cat', '--', Buffer.from(place, 'latin1').toString()], {
    stdio: ['ignore', 'pipe', 'ignore'],
    signal,
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  for await (const chunk of child.stdout ?? []) yield chunk as Uint8Array;
  const [status] = await closed;
  signal.throwIfAborted();
  if (status !== 0) throw unreadable(path, new Error(`cat ended with status ${status}`));
}

function missing(path: string): BoxError {
  return new BoxError(
    'ERR_BOX_FILE_UNREADABLE',
    `cannot read ${JSON.stringify(path)} of the image: there is no such file`,
    {
      hint: "Paths count from the image's root, as /etc/os-release; `box find REF NAME` finds a name anywhere.",
      fields: { path },
    },
  );
}

function noFile(path: string, isDirectory: boolean): BoxError {
  const what = isDirectory ? 'it is a directory' : 'it is no regular file';
  return new BoxError('ERR_BOX_FILE_UNREADABLE', `cannot read ${JSON.stringify(path)} of the image: ${what}`, {
    hint: isDirectory ? '`box ls REF PATH` lists it.' : '`box ls REF PATH` shows what it is.',
    fields: { path },
  });
}

function unreadable(path: string, cause: unknown): BoxError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new BoxError('ERR_BOX_FILE_UNREADABLE', `cannot read ${JSON.stringify(path)} of the image: ${reason}`, {
    cause,
    fields: { path },
  });
}
