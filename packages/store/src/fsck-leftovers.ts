import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { tryLockFile } from '@boxkit/linux';
import { errnoOf, unless } from './disk-error.ts';
import { diskUsage } from './disk-usage.ts';
import type { Layout } from './layout.ts';
import { abandoned } from './sweep.ts';

/** So many files or directories, and the bytes that they take on the disk. */
export interface LeftOver {
  readonly count: number;
  readonly bytes: number;
}

/** What processes that died left behind. No damage: what runs is not counted, and nothing of it is ever read as whole. */
export interface Leftovers {
  /** In `tmp/`: the next command that writes removes it. */
  readonly staging: LeftOver;
  /** Blobs that nobody is writing: the next pull of them resumes, a prune removes those that no image needs. */
  readonly partial: LeftOver;
}

export async function findLeftovers(layout: Layout, signal?: AbortSignal): Promise<Leftovers> {
  return {
    staging: await sum(abandoned(layout).staging, signal),
    partial: await sum(abandonedPartials(layout), signal),
  };
}

async function sum(paths: readonly string[], signal: AbortSignal | undefined): Promise<LeftOver> {
  let bytes = 0;
  for (const path of paths) {
    signal?.throwIfAborted();
    bytes += await diskUsage(path, signal);
  }
  return { count: paths.length, bytes };
}

function abandonedPartials({ partial }: Layout): string[] {
  return ['sha256', 'sha512']
    .flatMap((algorithm) => {
      const directory = join(partial, algorithm);
      return unless('ENOENT', [], () => readdirSync(directory)).map((name) => join(directory, name));
    })
    .filter((path) => !isBeingWritten(path));
}

/** Who writes a partial blob holds its lock. What is gone has been committed. */
function isBeingWritten(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return true;
  try {
    const lock = tryLockFile(path);
    lock?.release();
    return lock === undefined;
  } catch (error) {
    // A home that can only be read has no writer.
    if (errnoOf(error) === 'EROFS' || errnoOf(error) === 'EACCES') return false;
    throw error;
  }
}
