import type { BytePath } from '../byte-path.ts';
import { grown } from '../indexed/grown.ts';
import { NameTable } from '../indexed/name-table.ts';
import { entryTypes, field, fixedSize, recordFlag } from './index-format.ts';
import { rawRecords, recordLink, recordPath } from './read-index.ts';

/** What becomes of hardlinks to a path that a later entry took: the file that they lead to is there under their names only. */
export interface LinkHeirs {
  /** By ordinal, records that are void: the path of the first link, under which such a one stands from now on. */
  readonly heirs: ReadonlyMap<number, BytePath>;
  /** By ordinal, hardlinks: the record that they are to lead to. */
  readonly relinked: ReadonlyMap<number, number>;
}

export interface VoidedIndex {
  readonly path: string;
  /** How many records it has. */
  readonly count: number;
  /** Whether no later entry took a record's place. */
  readonly isKept: (record: Buffer, ordinal: number) => boolean;
}

/** Reads an index that is being finished; holds some 30 bytes for each path that hardlinks lead to. */
export function linkHeirs({ path: index, count, isKept }: VoidedIndex): LinkHeirs {
  const heirs = new Map<number, BytePath>();
  const relinked = new Map<number, number>();
  const paths = new NameTable();
  for (const record of rawRecords(index, { count })) {
    const link = isLink(record) ? recordLink(record) : undefined;
    if (link !== undefined && paths.find(0, link) < 0) paths.add(0, link);
  }
  if (paths.size === 0) return { heirs, relinked };
  /** By path: plus one, the record that was last there, and the one with the content, when that is a hardlink. */
  const [last, content] = [column(paths.size), column(paths.size)];
  const voided = new Set<number>();
  let ordinal = -1;
  for (const record of rawRecords(index, { count })) {
    ordinal += 1;
    const known = paths.find(0, recordPath(record));
    const kept = isKept(record, ordinal);
    const target = isLink(record) ? paths.find(0, recordLink(record)) : -1;
    const root = (target < 0 ? 0 : (content[target] ?? 0)) || ordinal + 1;
    if (known >= 0 && !isMark(record)) {
      last[known] = ordinal + 1;
      content[known] = root;
      if (!kept) voided.add(ordinal);
    }
    if (!kept || root === ordinal + 1 || !voided.has((last[target] ?? 0) - 1)) continue;
    relinked.set(ordinal, root - 1);
    if (voided.has(root - 1) && !heirs.has(root - 1)) heirs.set(root - 1, recordPath(record));
  }
  return { heirs, relinked };
}

/** The same record with another path or link. */
export function renamed(record: Buffer, { path = recordPath(record), link = recordLink(record) }): Buffer {
  const head = fixedSize + (((record[field.flags] ?? 0) & recordFlag.digest) === 0 ? 0 : 32);
  const rest = head + recordPath(record).length + recordLink(record).length;
  const copy = Buffer.concat([record.subarray(0, head), Buffer.from(path + link, 'latin1'), record.subarray(rest)]);
  copy.writeUInt32LE(copy.length, field.length);
  copy.writeUInt32LE(path.length, field.path);
  copy.writeUInt32LE(link.length, field.link);
  return copy;
}

function column(length: number): Uint32Array {
  return grown(new Uint32Array(16), length);
}

function isLink(record: Buffer): boolean {
  return entryTypes[record[field.type] ?? 0] === 'hardlink' && !isDeferred(record);
}

function isDeferred(record: Buffer): boolean {
  return ((record[field.flags] ?? 0) & recordFlag.deferred) !== 0;
}

function isMark(record: Buffer): boolean {
  const type = entryTypes[record[field.type] ?? 0];
  return type === 'whiteout' || type === 'opaque';
}
