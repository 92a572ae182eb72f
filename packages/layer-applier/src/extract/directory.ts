import type { BytePath } from '../byte-path.ts';

/** A directory of the tree. Its metadata is put on when the whole tree is there: creating children would change it. */
export interface Directory {
  readonly path: BytePath;
  readonly name: string;
  /** The root's parent is the root. */
  readonly parent: Directory;
  readonly depth: number;
  /** Made with the first child. */
  children: Set<Directory> | undefined;
  implied: boolean;
  /** False once it has been removed. */
  alive: boolean;
  mode: number;
  uid: number;
  gid: number;
  seconds: number;
  nanoseconds: number;
  xattrs: Map<string, Uint8Array> | undefined;
  /** Of the entry that made it, or implied it. */
  offset: number;
  /** An open descriptor, or -1. */
  fd: number;
}

/** What is given to a directory that has no entry of its own. */
export const impliedMode = 0o755;
