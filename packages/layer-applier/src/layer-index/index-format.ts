import type { EntryType } from './layer-entry.ts';

/**
 * The index of a layer on disk, little-endian:
 *
 *     magic     16 bytes
 *     records   each: u32 length of the whole record, u8 type, u8 flags, u16 mode, u32 uid, u32 gid, f64 size,
 *               f64 mtime seconds, u32 nanoseconds, u32 major, u32 minor, u32 path length, u32 link length,
 *               u32 xattrs length, f64 offset, [32 bytes sha256], path, link,
 *               xattrs (each: u16 name length, u32 value length, name, value)
 *     summary   JSON (see IndexSummary), UTF-8; paths in it are latin1 strings
 *     tail      f64 where the summary starts, 8 bytes magic
 *
 * Records stand in the order of the tar, and can be appended and read without holding more than one.
 */
export const indexMagic = Buffer.from('box-layer-idx 1\n', 'latin1');
export const tailMagic = Buffer.from('box-end\n', 'latin1');
export const tailSize = 16;
export const fixedSize = 64;

export const recordFlag = { implied: 1, deferred: 2, digest: 4, absent: 8 } as const;

export const entryTypes: readonly EntryType[] = [
  'file',
  'hardlink',
  'symlink',
  'character-device',
  'block-device',
  'directory',
  'fifo',
  'whiteout',
  'opaque',
];

/** Where the fields of a record start. */
export const field = {
  length: 0,
  type: 4,
  flags: 5,
  mode: 6,
  uid: 8,
  gid: 12,
  size: 16,
  seconds: 24,
  nanoseconds: 32,
  major: 36,
  minor: 40,
  path: 44,
  link: 48,
  xattrs: 52,
  offset: 56,
} as const;

/** What the end of an index holds: a StagedLayer without its places. */
export interface IndexSummary {
  readonly diffId: string;
  readonly entries: number;
  readonly bytes: number;
  readonly tarBytes: number;
  readonly whiteouts: readonly string[];
  readonly opaques: readonly string[];
  readonly impliedDirectories: readonly string[];
  readonly deferredHardlinks: readonly { readonly path: string; readonly target: string }[];
  readonly rootEntry: boolean;
  readonly warnings: readonly { readonly code: string; readonly message: string; readonly count: number }[];
}
