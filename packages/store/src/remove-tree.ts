import { chmodSync, lstatSync, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { errnoOf } from './disk-error.ts';
import type { Layout } from './layout.ts';
import { stagingName } from './owner.ts';

/** Removes a directory and all below it; no error when it is not there. Files of subordinate ids may need a helper in a user namespace. */
export type RemoveTree = (path: string) => Promise<void>;

/** Entries removed before the event loop gets its turn. */
const burst = 256;
/** Bytes of a path; beyond them a directory is moved up, since PATH_MAX (4096) is no limit to how deep a layer can nest. */
const longestPath = 2048;

/**
 * Removes a tree as far as the caller's own permissions allow, opening closed directories on the way. Follows no
 * link; names are bytes. Throws what node:fs throws.
 */
export async function removeOwnTree(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isDirectory()) return unlinkSync(path);
  const root = Buffer.from(path);
  let removed = 0;
  let moved = 0;

  async function empty(directory: Buffer): Promise<void> {
    for (const entry of entriesOf(directory)) {
      const child = Buffer.concat([directory, Buffer.from('/'), entry.name]);
      if (!entry.isDirectory()) gone(() => unlinkSync(child));
      else if (child.length < longestPath) await removeDirectory(child);
      else renameSync(child, Buffer.concat([root, Buffer.from(`/.moved-${(moved += 1)}-${process.pid}`)]));
      if ((removed += 1) % burst === 0) await yieldToOthers();
    }
  }

  async function removeDirectory(directory: Buffer): Promise<void> {
    await empty(directory);
    gone(() => rmdirSync(directory));
  }

  for (let before = -1; before !== moved;) {
    before = moved;
    await empty(root);
  }
  gone(() => rmdirSync(root));
}

/** Without root, a directory of mode 0555 can be listed but not emptied, one of 0333 not even listed. */
function entriesOf(directory: Buffer): ReturnType<typeof listing> {
  const stat = lstatSync(directory, { throwIfNoEntry: false });
  if (stat === undefined) return [];
  if ((stat.mode & 0o700) !== 0o700) chmodSync(directory, 0o700);
  return listing(directory);
}

function listing(directory: Buffer) {
  return readdirSync(directory, { withFileTypes: true, encoding: 'buffer' });
}

/** Another process may be removing the same tree. */
function gone(remove: () => void): void {
  try {
    remove();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

/** Removes with the caller's own permissions, and calls for `help` only where they do not suffice. */
export function removeWith(help: RemoveTree | undefined): RemoveTree {
  return async (path) => {
    try {
      await removeOwnTree(path);
    } catch (error) {
      const errno = errnoOf(error);
      if (help === undefined || (errno !== 'EACCES' && errno !== 'EPERM')) throw error;
      await help(path);
    }
  };
}

/** Takes a directory (or a file) out of sight in one step; undefined when it is not there. What is returned is to be removed. */
export function moveToTrash(layout: Layout, path: string): string | undefined {
  const trash = join(layout.tmp, stagingName('trash'));
  try {
    renameSync(path, trash);
    return trash;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
