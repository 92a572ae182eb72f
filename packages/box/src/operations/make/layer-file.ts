import { createHash } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { mkdtemp, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { BoxError, isBoxError, parseDigest, type Digest } from '@boxkit/contracts';
import type { Cancellable } from '../../options.ts';

/** A file that was written. */
export interface WrittenFile {
  /** Absolute. */
  readonly path: string;
  /** Of the file's bytes. */
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/**
 * Writes a stream to a file: beside it first, synced, and renamed into place when all of it is there, so that an error
 * leaves what was there before. Throws ERR_BOX_USAGE where something other than a file is, ERR_BOX_SYSTEM_CALL for what
 * the disk says, and what the stream throws.
 */
export async function writeFileWhole(
  chunks: AsyncIterable<Uint8Array>,
  file: string,
  { signal }: Cancellable = {},
): Promise<WrittenFile> {
  const path = resolve(file);
  const hasher = createHash('sha256');
  let size = 0;
  const staging = await fromDisk(path, async () => {
    requireReplaceable(path);
    return mkdtemp(join(dirname(path), stagingPrefix(path)));
  });
  try {
    const staged = join(staging, 'file');
    await using handle = await fromDisk(path, async () => open(staged, 'wx', 0o644));
    for await (const chunk of chunks) {
      signal?.throwIfAborted();
      // While the disk copies, this thread hashes.
      const written = fromDisk(path, async () => handle.writeFile(chunk));
      written.catch(() => {});
      hasher.update(chunk);
      size += chunk.length;
      await written;
    }
    signal?.throwIfAborted();
    await fromDisk(path, async () => {
      await handle.sync();
      await rename(staged, path);
      await using directory = await open(dirname(path), 'r');
      await directory.sync();
    });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return { path, digest: parseDigest(`sha256:${hasher.digest('hex')}`), size };
}

/** What the names of directories begin with in which a file is staged: who packs the directory around it leaves them out. */
export function stagingPrefix(path: string): string {
  return `.${basename(path)}.box-`;
}

/** To rename over a directory fails; over /dev/stdout, say, it would take that away from everybody. */
function requireReplaceable(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.isFile()) return;
  throw new BoxError('ERR_BOX_USAGE', `cannot write ${path}: what is there is no regular file`, {
    hint: 'Name a file that box may make or replace, or `-` for the standard output.',
    fields: { path },
  });
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'it would be larger than files may be',
  ENOENT: 'its directory does not exist',
  ENOTDIR: 'a part of the path is no directory',
};

async function fromDisk<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (isBoxError(error) || !(error instanceof Error) || !('syscall' in error)) throw error;
    const errno = String((error as NodeJS.ErrnoException).code);
    throw new BoxError('ERR_BOX_SYSTEM_CALL', `cannot write ${path}: ${reasons[errno] ?? error.message}`, {
      hint: 'Nothing was changed there. Choose another place, or make room.',
      cause: error,
      fields: { errno, path },
    });
  }
}
