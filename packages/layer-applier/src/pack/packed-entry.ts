import type { EncodedEntry } from '../tar/encode-entry.ts';

/** What goes into a tar: what its header says and, of a file, where its content is read while this entry's turn lasts. */
export interface PackedEntry extends EncodedEntry {
  /** Opens a file's content; the writer closes it. Undefined when it has gone. Absent for a file without content. */
  readonly open?: () => number | undefined;
  /** One file however many names it has; absent for what stands for no file. */
  readonly inode?: string;
  /** How many names it has, here and elsewhere. */
  readonly names?: number;
}

/** Dates what is younger than `latest` (seconds since 1970) so; with undefined all times stay. */
export function datedEntry<Entry extends PackedEntry>(entry: Entry, latest: number | undefined): Entry {
  if (latest === undefined || entry.mtime.seconds < latest) return entry;
  return { ...entry, mtime: { seconds: latest, nanoseconds: 0 } };
}
