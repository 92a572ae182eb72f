import { lstat, mkdir, mkdtemp, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BoxError, isSystemError } from '@boxkit/contracts';
import { makeDirectories } from '@boxkit/linux';
import { unwritable } from './disk-error.ts';
import { writeTar, type TarEntry } from './tar-writer.ts';

/** One file of an archive to be written. */
export interface OutputFile {
  /** Relative, with `/`. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /**
   * The content, verified: throws before its end when it is not what it should be. With `lent`, a chunk is good until the
   * next is asked for.
   */
  content(lent: boolean): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** A file of bytes at hand. */
export function outputBytes(name: string, bytes: Uint8Array | string): OutputFile {
  const buffer = Buffer.from(bytes);
  return { name, size: buffer.length, content: () => [buffer] };
}

/**
 * Makes `directory` out of files: written beside it, synced, and renamed into place. Throws ERR_BOX_DIRECTORY_NOT_EMPTY
 * when something is there already.
 */
export async function publishDirectory(
  files: readonly OutputFile[],
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  await requireEmpty(directory);
  makeParent(directory);
  await beside(directory, async (staging) => {
    const tree = join(staging, 'tree');
    await mkdir(tree);
    for (const file of files) await writeFile(join(tree, file.name), file, signal);
    const names = [...files.map(({ name }) => name), ...parents(files), '.'];
    await syncAll(names.map((name) => join(tree, name)));
    await rename(tree, directory);
  });
}

/** What makes other bytes of a tar's, as compression does. It keeps no chunk: each is good until the next is asked for. */
export type TarEncoder = (tar: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

/**
 * Makes `path` a tar of files: written beside it, synced, and renamed into place. A file that was there is replaced whole.
 * The directory of `path` has to be there.
 */
export async function publishTar(
  files: readonly OutputFile[],
  path: string,
  { signal, encode = (tar) => tar }: { readonly signal: AbortSignal; readonly encode?: TarEncoder },
): Promise<void> {
  await requireReplaceable(path);
  await beside(path, async (staging) => {
    const tar = join(staging, 'tar');
    await write(tar, encode(tarBytes(files, true)), signal);
    await sync(tar);
    await rename(tar, path);
  });
}

/** The bytes of a tar of files: the same files make the same bytes, whenever and wherever. With `lent` as a file's content. */
export function tarBytes(files: readonly OutputFile[], lent: boolean): AsyncGenerator<Uint8Array, void, undefined> {
  return writeTar(tarEntries(files, lent));
}

/**
 * Adds files to a directory that is there; the last file is renamed into place last, while `lock` is held, and is made
 * then. Until the first rename nothing is changed.
 */
export async function publishInto(
  directory: string,
  parts: {
    readonly files: readonly OutputFile[];
    readonly last: () => Promise<OutputFile>;
    readonly lock: <T>(work: () => Promise<T>) => Promise<T>;
  },
  signal: AbortSignal,
): Promise<void> {
  await beside(join(directory, 'added'), async (staging) => {
    const staged = (file: OutputFile): string => join(staging, file.name);
    for (const file of parts.files) await writeFile(staged(file), file, signal);
    await syncAll(parts.files.map(staged));
    await parts.lock(async () => {
      const last = await parts.last();
      await writeFile(staged(last), last, signal);
      await sync(staged(last));
      const changed = new Set<string>();
      for (const file of [...parts.files, last]) {
        const path = join(directory, file.name);
        await mkdir(dirname(path), { recursive: true });
        if (file === last) await syncAll([...changed]);
        await rename(staged(file), path);
        changed.add(dirname(path));
      }
    });
  });
}

async function beside(path: string, work: (staging: string) => Promise<void>): Promise<void> {
  const parent = dirname(path);
  try {
    const staging = await mkdtemp(join(parent, `.${basename(path)}.box-`));
    try {
      await work(staging);
      await sync(parent);
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  } catch (error) {
    throw isSystemError(error) ? unwritable(path, error) : error;
  }
}

function makeParent(path: string): void {
  try {
    makeDirectories(dirname(path), 0o777);
  } catch (error) {
    throw isSystemError(error) ? unwritable(path, error) : error;
  }
}

const syncsAtOnce = 32;

/** To rename over /dev/stdout, say, would take it away from everybody. */
async function requireReplaceable(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw unwritable(path, error);
  });
  if (found === undefined || found.isFile()) return;
  throw new BoxError('ERR_BOX_USAGE', `cannot write an image to ${path}: what is there is no regular file`, {
    hint: 'Name a file that box may make or replace.',
    fields: { path },
  });
}

async function requireEmpty(directory: string): Promise<void> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw unwritable(directory, error);
  });
  if (names.length === 0) return;
  throw new BoxError('ERR_BOX_DIRECTORY_NOT_EMPTY', `cannot write an image to ${directory}: it is not empty`, {
    hint: 'Choose another directory, or empty this one.',
    fields: { path: directory },
  });
}

async function writeFile(path: string, file: OutputFile, signal: AbortSignal): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await write(path, file.content(true), signal);
}

async function write(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const handle = await open(path, 'wx', 0o644);
  try {
    for await (const chunk of chunks) {
      signal.throwIfAborted();
      await handle.writeFile(chunk);
    }
  } finally {
    await handle.close();
  }
}

/** Many at a time, after all is written: the file system then makes one commit of them, and not one for each. */
async function syncAll(paths: readonly string[]): Promise<void> {
  for (let at = 0; at < paths.length; at += syncsAtOnce) {
    await Promise.all(paths.slice(at, at + syncsAtOnce).map(sync));
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Every directory that files need, outermost first. */
function parents(files: readonly OutputFile[]): readonly string[] {
  const names = files.flatMap(({ name }) => {
    const parts = name.split('/').slice(0, -1);
    return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
  });
  return [...new Set(names)];
}

function* tarEntries(files: readonly OutputFile[], lent: boolean): Generator<TarEntry> {
  for (const name of parents(files)) yield { type: 'directory', name, mode: 0o755 };
  for (const file of files) {
    yield { type: 'file', name: file.name, mode: 0o644, size: file.size, content: file.content(lent) };
  }
}
