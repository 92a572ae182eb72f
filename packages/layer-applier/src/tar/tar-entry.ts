import type { EntryType } from '../layer-index/layer-entry.ts';
import type { Segment } from './sparse.ts';

/** The types that are told apart, by their flag in the header. */
export const TarType = {
  file: 0x30,
  hardlink: 0x31,
  symlink: 0x32,
  characterDevice: 0x33,
  blockDevice: 0x34,
  directory: 0x35,
  fifo: 0x36,
} as const;

/** What the index calls them. */
export const typeNames = new Map<number, EntryType>([
  [TarType.file, 'file'],
  [TarType.hardlink, 'hardlink'],
  [TarType.symlink, 'symlink'],
  [TarType.characterDevice, 'character-device'],
  [TarType.blockDevice, 'block-device'],
  [TarType.directory, 'directory'],
  [TarType.fifo, 'fifo'],
]);

/** One entry, all headers taken together. The reader uses one object again and again. */
export interface TarEntry {
  /** One of TarType, or another flag that the caller is to skip. */
  type: number;
  /** latin1, as it stands in the tar. */
  name: string;
  link: string;
  mode: number;
  uid: number;
  gid: number;
  /** Bytes of the file's content, holes included. */
  size: number;
  seconds: number;
  nanoseconds: number;
  major: number;
  minor: number;
  xattrs: Map<string, Uint8Array> | undefined;
  /** The stretches that have data, when the file has holes. */
  segments: readonly Segment[] | undefined;
  /** Where its first header starts. */
  offset: number;
}

export function emptyEntry(): TarEntry {
  return {
    type: 0,
    name: '',
    link: '',
    mode: 0,
    uid: 0,
    gid: 0,
    size: 0,
    seconds: 0,
    nanoseconds: 0,
    major: 0,
    minor: 0,
    xattrs: undefined,
    segments: undefined,
    offset: 0,
  };
}
