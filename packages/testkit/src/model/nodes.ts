import type { TarEntry } from '../tar/tar-writer.ts';

/** What an entry says of itself beside its type. */
export interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Nanoseconds since 1970; undefined where no rule says: a directory without an entry of its own. */
  readonly mtime: bigint | undefined;
  readonly xattrs: Readonly<Record<string, string>>;
}

/** A directory. `implied`: this layer has no entry for it. */
export interface Directory {
  readonly kind: 'directory';
  attributes: Attributes;
  implied: boolean;
  readonly children: Map<string, Node>;
}

/** Anything else: an inode, which several names may share. */
export interface Leaf {
  readonly kind: 'file' | 'symlink' | 'char' | 'block' | 'fifo';
  readonly attributes: Attributes;
  readonly content: Buffer;
  /** Of a symlink, its bytes as latin1. */
  readonly target: string;
  /** `major:minor` of a device. */
  readonly device: string;
}

/** A hardlink whose target the layer does not have yet: a later entry may give it one, or a lower layer. */
export interface Waiting {
  readonly kind: 'waiting';
  readonly target: readonly string[];
}

export type Node = Directory | Leaf | Waiting;

/** The layer or the stack breaks a rule: whoever applies it must fail. */
export class ModelError extends Error {}

export const impliedAttributes: Attributes = { mode: 0o755, uid: 0, gid: 0, mtime: undefined, xattrs: {} };

export function emptyDirectory(implied: boolean, attributes = impliedAttributes): Directory {
  return { kind: 'directory', attributes, implied, children: new Map() };
}

/** The bytes of a path or a target as latin1. */
export function bytesText(value: string | Uint8Array): string {
  return Buffer.from(value).toString('latin1');
}

/** The components of a name, counted from the root. A name that leaves the root is an error. */
export function componentsOf(value: string | Uint8Array): string[] {
  const kept: string[] = [];
  for (const component of bytesText(value).split('/')) {
    if (component === '' || component === '.') continue;
    if (component !== '..') kept.push(component);
    else if (kept.pop() === undefined) throw new ModelError('a name that leaves the root');
  }
  return kept;
}

const defaultModes: Readonly<Record<string, number>> = { directory: 0o755, symlink: 0o777 };

export function attributesOf({ type = 'file', mode, uid = 0, gid = 0, mtime, xattrs = {} }: TarEntry): Attributes {
  return {
    mode: mode ?? defaultModes[type] ?? 0o644,
    uid,
    gid,
    mtime: nanoseconds(String(mtime ?? 1_700_000_000)),
    xattrs: Object.fromEntries(
      Object.entries(xattrs).map(([name, value]) => [name, `0x${Buffer.from(value).toString('hex')}`]),
    ),
  };
}

function nanoseconds(seconds: string): bigint {
  const [whole = '', fraction = ''] = seconds.split('.');
  return BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
}
