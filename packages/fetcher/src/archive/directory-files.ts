import { constants } from 'node:fs';
import { lstat, open, readlink, type FileHandle } from 'node:fs/promises';
import { isBoxError } from '@boxkit/contracts';
import {
  linkLimit,
  linkTarget,
  readRange,
  type ArchiveFile,
  type ArchiveFiles,
  type LinkPolicy,
} from './archive-files.ts';
import { ArchiveError } from './errors.ts';

/**
 * The files of a directory. Whoever made it may be hostile and still at work: every component is opened by itself, below
 * the one before, and no open follows a link or waits for a fifo's other end.
 */
export async function openDirectoryFiles(path: string, links: LinkPolicy): Promise<ArchiveFiles> {
  const root = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  return {
    path,
    async find(name) {
      const handle = await openInside(root, path, name, links);
      if (handle === undefined) return undefined;
      const { size } = await closing(handle, () => handle.stat());
      return { size, read: (offset, signal) => read({ root, path, name, links }, size, offset, signal) };
    },
    [Symbol.asyncDispose]: () => root.close(),
  };
}

interface Place {
  readonly root: FileHandle;
  readonly path: string;
  readonly name: string;
  readonly links: LinkPolicy;
}

// Opened anew for each reader: an image of a thousand layers must not need a thousand open files.
async function* read(place: Place, size: number, offset: number, signal: AbortSignal): ReturnType<ArchiveFile['read']> {
  const handle = await openInside(place.root, place.path, place.name, place.links);
  if (handle === undefined) throw new ArchiveError(place.path, place.name, 'it went away meanwhile');
  try {
    const range = { start: offset, length: Math.max(0, size - offset) };
    yield* readRange(handle, range, { archive: place.path, entry: place.name, signal });
  } finally {
    await handle.close();
  }
}

async function openInside(
  root: FileHandle,
  archive: string,
  name: string,
  links: LinkPolicy,
): Promise<FileHandle | undefined> {
  let current = name;
  for (let followed = 0; followed <= linkLimit; followed += 1) {
    const result = await walk(root, archive, current).catch((cause: unknown) => {
      throw isBoxError(cause) ? cause : unreadable(archive, name, cause);
    });
    if (result === undefined || !('link' in result)) return result?.handle;
    if (links === 'refuse') throw new ArchiveError(archive, name, `${result.link} is a symbolic link`);
    const target = linkTarget(result.link, result.target);
    if (target === undefined) throw new ArchiveError(archive, name, `${result.link} is a link that leads outside`);
    current = result.rest === '' ? target : `${target}/${result.rest}`;
  }
  throw new ArchiveError(archive, name, 'its links never end');
}

type Step = { readonly handle: FileHandle } | { readonly link: string; readonly target: string; readonly rest: string };

/** Opens a name component by component, up to the first symlink. */
async function walk(root: FileHandle, archive: string, name: string): Promise<Step | undefined> {
  const parts = name.split('/');
  let directory = root;
  try {
    for (const [index, part] of parts.entries()) {
      const last = index === parts.length - 1;
      // Through /proc a name is looked up below an open directory, as openat(2) does.
      const at = `/proc/self/fd/${directory.fd}/${part}`;
      const stat = await ifThere(() => lstat(at));
      if (stat === undefined) return undefined;
      const here = parts.slice(0, index + 1).join('/');
      if (stat.isSymbolicLink()) {
        return { link: here, target: await readlink(at), rest: parts.slice(index + 1).join('/') };
      }
      if (last ? !stat.isFile() : !stat.isDirectory()) {
        throw new ArchiveError(archive, name, last ? 'it is no regular file' : `${here} is no directory`);
      }
      const next = await openChecked(at, archive, name, last);
      if (last) return { handle: next };
      if (directory !== root) await directory.close();
      directory = next;
    }
    return undefined;
  } finally {
    if (directory !== root) await directory.close();
  }
}

async function openChecked(at: string, archive: string, name: string, file: boolean): Promise<FileHandle> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(at, file ? flags : flags | constants.O_DIRECTORY);
  const stat = await handle.stat();
  if (file ? stat.isFile() : stat.isDirectory()) return handle;
  await handle.close();
  throw new ArchiveError(archive, name, 'it was exchanged while it was opened');
}

function unreadable(archive: string, name: string, cause: unknown): ArchiveError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const reason = code === 'EACCES' ? 'permission denied' : (code ?? message);
  return new ArchiveError(archive, name, `it cannot be opened: ${reason}`, { cause });
}

async function closing<T>(handle: FileHandle, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await handle.close();
  }
}

async function ifThere<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
