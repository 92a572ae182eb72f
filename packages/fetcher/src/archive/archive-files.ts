import type { FileHandle } from 'node:fs/promises';
import { ArchiveError } from './errors.ts';

/** Files by name, wherever they are: in a directory, or in a tar that is never unpacked. */
export interface ArchiveFiles extends AsyncDisposable {
  /** The path that a person knows it by, for errors. */
  readonly path: string;
  /**
   * A regular file by its name inside; undefined when there is none. Throws ERR_BOX_ARCHIVE_INVALID when the name
   * leads outside, or to anything but a regular file.
   */
  find(name: string): Promise<ArchiveFile | undefined>;
}

export interface ArchiveFile {
  /** Bytes. */
  readonly size: number;
  /** The bytes from `offset` to the end. */
  read(offset: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** Whether a symlink inside is followed (docker's archives have them) or refused (image layouts have none). */
export type LinkPolicy = 'follow' | 'refuse';

/** Longest chain of symlinks inside an archive that is followed. */
export const linkLimit = 8;
const chunkSize = 512 * 1024;

/**
 * The normal form of a name that an archive's own documents give: `./a//b` is `a/b`. Throws ERR_BOX_ARCHIVE_INVALID for
 * an absolute one, one with `..` or a NUL, and the empty one.
 */
export function entryName(archive: string, name: string, where: string): string {
  const refuse = (reason: string) => new ArchiveError(archive, name, `${where} ${reason}`);
  if (name.startsWith('/')) throw refuse('is an absolute path');
  if (name.includes('\0')) throw refuse('holds a NUL byte');
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw refuse('leads upwards with ".."');
  if (parts.length === 0) throw refuse('is empty');
  return parts.join('/');
}

/** The name that a symlink stands for, counted from the archive's top; undefined when it leads outside. */
export function linkTarget(name: string, target: string): string | undefined {
  if (target.startsWith('/')) return undefined;
  const parts = name.split('/').slice(0, -1);
  for (const part of target.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join('/');
}

/** Reads `length` bytes of an open file from `start`. Throws ERR_BOX_ARCHIVE_INVALID when the file ends before. */
export async function* readRange(
  handle: FileHandle,
  range: { readonly start: number; readonly length: number },
  what: { readonly archive: string; readonly entry?: string; readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array, void, undefined> {
  const end = range.start + range.length;
  for (let at = range.start; at < end;) {
    what.signal.throwIfAborted();
    const chunk = Buffer.allocUnsafe(Math.min(chunkSize, end - at));
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, at);
    if (bytesRead === 0) throw new ArchiveError(what.archive, what.entry, 'it ends too early');
    at += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}

/** A small file whole. Throws ERR_BOX_ARCHIVE_INVALID when it is missing or longer than `limit` bytes. */
export async function readWhole(
  files: ArchiveFiles,
  name: string,
  options: { readonly limit: number; readonly signal: AbortSignal; readonly hint?: string },
): Promise<Buffer> {
  const file = await files.find(name);
  if (file === undefined) {
    throw new ArchiveError(files.path, name, 'it is missing', options.hint === undefined ? {} : { hint: options.hint });
  }
  if (file.size > options.limit) {
    throw new ArchiveError(files.path, name, `it has ${file.size} bytes; more than ${options.limit} are no document`);
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.read(0, options.signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
