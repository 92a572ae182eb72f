import type { Stats } from 'node:fs';
import type { LayerEntry } from '@boxkit/layer-applier';

/** Milliseconds; file systems round times, and doubles hold no nanoseconds. */
const timeTolerance = 1000;
/** Seconds since 1970 that every file system holds. */
const latestTime = 2 ** 31;

export interface Compared {
  /** Whether the file belongs to whom the index says, and not to the only user there was. */
  readonly owned: boolean;
  /** Whether its time is the index's. */
  readonly timed: boolean;
}

/** What is wrong with a path. */
export interface Fault {
  readonly what: string;
  /** It may follow from what is wrong with another path: a directory's time changes with what is in it. */
  readonly follows?: boolean;
}

/** What a file on the disk has otherwise than its index says, in words: mode, owner or time. */
export function metadataFault(entry: LayerEntry, stat: Stats, { owned, timed }: Compared): Fault | undefined {
  if (entry.type !== 'symlink' && isModeOther(entry, stat)) {
    return { what: `has the mode ${(stat.mode & 0o7777).toString(8)}, not ${entry.mode.toString(8)}` };
  }
  if (owned && (stat.uid !== entry.uid || stat.gid !== entry.gid)) {
    return { what: `belongs to ${stat.uid}:${stat.gid}, not to ${entry.uid}:${entry.gid}` };
  }
  const { seconds, nanoseconds } = entry.mtime;
  if (!timed || seconds < 0 || seconds >= latestTime) return undefined;
  const expected = seconds * 1000 + nanoseconds / 1e6;
  if (Math.abs(stat.mtimeMs - expected) < timeTolerance) return undefined;
  const what = `was changed at ${stat.mtime.toISOString()}, not at ${new Date(expected).toISOString()}`;
  return { what, follows: stat.isDirectory() };
}

function isModeOther(entry: LayerEntry, stat: Stats): boolean {
  // Without privilege the kernel may have taken setuid and its kin.
  const bits = process.getuid?.() === 0 ? 0o7777 : 0o777;
  return (stat.mode & bits) !== (entry.mode & bits);
}
