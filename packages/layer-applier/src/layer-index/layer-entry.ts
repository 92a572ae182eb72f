import type { Digest } from '@boxkit/contracts';
import type { BytePath } from '../byte-path.ts';

export type EntryType =
  | 'file'
  | 'hardlink'
  | 'symlink'
  | 'character-device'
  | 'block-device'
  | 'directory'
  | 'fifo'
  /** `path` is what is hidden in lower layers, without the prefix `.wh.`. */
  | 'whiteout'
  /** `path` is the directory whose lower children are hidden. */
  | 'opaque';

/** One entry of a layer, as the tar has it: true owner, mode, device and xattrs, whatever the tree could hold. */
export interface LayerEntry {
  readonly type: EntryType;
  /** Where it is in the layer's tree: symlinks of the same layer that lead to its parent have been followed. */
  readonly path: BytePath;
  /** The twelve permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of a file's content, holes included; 0 for the rest. */
  readonly size: number;
  readonly mtime: Time;
  /** A symlink's target, as it stands; a hardlink's target, as a path from the root in normal form. */
  readonly link: BytePath;
  /** Of a device. */
  readonly major: number;
  readonly minor: number;
  /** Names to values; undefined when there are none. */
  readonly xattrs: ReadonlyMap<string, Uint8Array> | undefined;
  /** sha256 of a file's content, when it was asked for. */
  readonly digest: Digest | undefined;
  /**
   * Where in the uncompressed tar the entry starts: its first header block, extended headers included, so that a
   * parser set down here reads this entry. Of an implied directory: the entry that implied it.
   */
  readonly offset: number;
  /** A directory without an entry of its own, made because something lies below it. */
  readonly implied: boolean;
  /** A hardlink to a target that is not in this layer. */
  readonly deferred: boolean;
  /** False when the entry is not in the tree: a device without the privilege to make it, a deferred hardlink, a whiteout that is only recorded. */
  readonly made: boolean;
}

export interface Time {
  /** Since 1970; negative before. */
  readonly seconds: number;
  /** 0 to 999,999,999. */
  readonly nanoseconds: number;
}
