import { lstatSync, readdirSync } from 'node:fs';
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { errnoOf } from './disk-error.ts';

/** Entries looked at before the event loop gets its turn. */
const burst = 512;

/** Bytes that a file or a tree takes on the disk; a file with several names counts once. What cannot be read counts nothing. */
export async function diskUsage(path: string, signal?: AbortSignal): Promise<number> {
  const seen = new Set<number>();
  const directories = [Buffer.from(path)];
  let bytes = 0;
  let entries = 0;

  function add(entry: Buffer): void {
    const stat = lstatSync(entry, { throwIfNoEntry: false });
    if (stat === undefined) return;
    if (stat.nlink > 1 && !stat.isDirectory()) {
      if (seen.has(stat.ino)) return;
      seen.add(stat.ino);
    }
    bytes += stat.blocks * 512;
  }

  add(Buffer.from(path));
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    for (const entry of entriesOf(directory)) {
      const child = Buffer.concat([directory, Buffer.from('/'), entry.name]);
      add(child);
      if (entry.isDirectory()) directories.push(child);
      if ((entries += 1) % burst === 0) {
        signal?.throwIfAborted();
        await yieldToOthers();
      }
    }
  }
  return bytes;
}

function entriesOf(directory: Buffer) {
  try {
    return readdirSync(directory, { withFileTypes: true, encoding: 'buffer' });
  } catch (error) {
    const errno = errnoOf(error);
    // Not a directory, gone meanwhile, closed to us, or nested deeper than a path can say.
    if (errno === 'ENOTDIR' || errno === 'ENOENT' || errno === 'EACCES' || errno === 'ENAMETOOLONG') return [];
    throw error;
  }
}
