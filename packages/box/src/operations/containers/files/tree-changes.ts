import { type BigIntStats, closeSync, constants, lstatSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { type BytePath, OverlayView } from '@boxkit/layer-applier';
import { findXattr, getXattr, listXattrs, SystemCallError } from '@boxkit/linux';

/** What became of one path of an image in a container. */
export interface TreeChange {
  readonly change: 'added' | 'changed' | 'deleted';
  /** Below the root. */
  readonly path: BytePath;
}

/** A container's tree, and what it was made from. Paths on the host are strings of bytes (latin1). */
export interface ChangedTree {
  /** The upper directory of an overlay, or the container's whole tree. */
  readonly own: string;
  /** Topmost first. */
  readonly base: readonly string[];
  /** Whether what `own` lacks was deleted, since it is the whole tree. */
  readonly whole: boolean;
  /** The form of overlayfs's marks. */
  readonly namespace: 'trusted' | 'user';
  /** Below the root: what is empty there was made to mount on. */
  readonly mountPoints: readonly string[];
}

/** One directory of the container's, and the directories that it was made from. */
interface Pair {
  /**
   * A path by an open descriptor: something may run in the container that puts a symlink in a directory's place, and
   * no name but the last is ever looked up again.
   */
  readonly own: string;
  readonly path: string;
  readonly merged: readonly string[];
  readonly whole: boolean;
}

/**
 * What a container changed, a directory before what lies in it, names in order; a directory counts as changed when
 * something in it is. A file is taken to be the same when type, mode, owner, size, time, device, link and xattrs are;
 * nothing is read. Of a deleted directory only itself is told. Throws what node:fs throws.
 */
export class TreeChanges {
  readonly #tree: ChangedTree;
  readonly #view: OverlayView;
  readonly #opaque: string;

  constructor(tree: ChangedTree) {
    this.#tree = tree;
    this.#view = new OverlayView(tree.base, tree.namespace);
    this.#opaque = `${tree.namespace}.overlay.opaque`;
  }

  *[Symbol.iterator](): Generator<TreeChange, void, undefined> {
    const { own, whole } = this.#tree;
    yield* this.#open(own, { path: '', merged: this.#view.root.merged, whole });
  }

  /** The changes in a directory; none when it has been swapped for something else just now. */
  *#open(path: string, pair: Omit<Pair, 'own'>): Generator<TreeChange, void, undefined> {
    const fd = openDirectory(path);
    if (fd === undefined) return;
    try {
      const own = `/proc/self/fd/${fd}`;
      const whole = pair.whole || this.#isOpaque(`${own}/.`);
      yield* this.#directory({ ...pair, own, whole });
    } finally {
      closeSync(fd);
    }
  }

  *#directory(pair: Pair): Generator<TreeChange, void, undefined> {
    const own = namesIn(pair.own);
    const deleted = pair.whole ? this.#missing(pair.merged, new Set(own)) : [];
    const gone = new Set(deleted);
    for (const name of [...own, ...deleted].toSorted()) {
      if (gone.has(name)) yield { change: 'deleted', path: join(pair.path, name) };
      else yield* this.#entry(pair, name);
    }
  }

  *#entry(pair: Pair, name: string): Generator<TreeChange, void, undefined> {
    const own = `${pair.own}/${name}`;
    const path = join(pair.path, name);
    const stat = lstatSync(bytes(own), { bigint: true, throwIfNoEntry: false });
    // Something runs in it, which may have removed it just now.
    if (stat === undefined) return;
    const seen = this.#view.look(pair.merged, name);
    if (!this.#tree.whole && stat.isCharacterDevice() && stat.rdev === 0n) {
      if (seen !== undefined) yield { change: 'deleted', path };
      return;
    }
    if (seen === undefined) return yield* this.#added(own, path, stat);
    const place = seen.kind === 'directory' ? (seen.merged[0] ?? '') : seen.path;
    const before = lstatSync(bytes(place), { bigint: true });
    const change = { change: 'changed', path } as const;
    if (typeOf(stat) !== typeOf(before)) {
      yield change;
      if (stat.isDirectory()) yield* this.#open(own, { path, merged: [], whole: false });
    } else if (stat.isDirectory() && seen.kind === 'directory') {
      const below = this.#open(own, { path, merged: seen.merged, whole: pair.whole });
      if (attributesDiffer(stat, before) || xattrsDiffer(own, place)) yield change;
      else {
        const first = below.next();
        if (first.done === true) return;
        yield* [change, first.value];
      }
      yield* below;
    } else if (fileDiffers(stat, before) || linksDiffer(stat, own, place) || xattrsDiffer(own, place)) yield change;
  }

  *#added(own: string, path: BytePath, stat: BigIntStats): Generator<TreeChange, void, undefined> {
    const change = { change: 'added', path } as const;
    const { mountPoints } = this.#tree;
    if (!stat.isDirectory()) {
      if (!(stat.isFile() && stat.size === 0n && mountPoints.includes(path))) yield change;
      return;
    }
    const below = this.#open(own, { path, merged: [], whole: false });
    const first = below.next();
    const leadsToMount = mountPoints.some((point) => point === path || point.startsWith(`${path}/`));
    if (first.done !== true) yield* [change, first.value];
    else if (!leadsToMount) yield change;
    yield* below;
  }

  /** What the base has in a directory and the container has not. */
  #missing(merged: readonly string[], own: ReadonlySet<string>): string[] {
    const names = new Set(merged.flatMap(namesIn));
    return [...names].filter((name) => !own.has(name) && this.#view.look(merged, name) !== undefined);
  }

  #isOpaque(path: string): boolean {
    return !this.#tree.whole && findXattr(bytes(path), this.#opaque)?.toString() === 'y';
  }
}

function attributesDiffer(a: BigIntStats, b: BigIntStats): boolean {
  // The bits of the type too: they are the same.
  return a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid;
}

function fileDiffers(a: BigIntStats, b: BigIntStats): boolean {
  return attributesDiffer(a, b) || a.size !== b.size || a.mtimeNs !== b.mtimeNs || a.rdev !== b.rdev;
}

function linksDiffer(stat: BigIntStats, own: string, before: string): boolean {
  return stat.isSymbolicLink() && readlinkSync(bytes(own), 'latin1') !== readlinkSync(bytes(before), 'latin1');
}

function xattrsDiffer(own: string, before: string): boolean {
  return xattrsOf(own) !== xattrsOf(before);
}

function xattrsOf(path: string): string {
  try {
    const names = listXattrs(bytes(path)).filter((name) => !/^(?:trusted|user)\.overlay\./.test(name));
    const pairs = names.toSorted().map((name) => `${name}=${getXattr(bytes(path), name).toString('hex')}`);
    return pairs.join(',');
  } catch (error) {
    // a file system without them
    if (error instanceof SystemCallError && /^E(?:OP)?NOTSUPP?$/.test(error.errno)) return '';
    throw error;
  }
}

function typeOf({ mode }: BigIntStats): bigint {
  return mode & 0o170000n;
}

function namesIn(directory: string): string[] {
  return readdirSync(bytes(directory), 'latin1');
}

function openDirectory(path: string): number | undefined {
  const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;
  try {
    return openSync(bytes(path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined;
    throw error;
  }
}

function join(parent: string, name: string): BytePath {
  return (parent === '' ? name : `${parent}/${name}`) as BytePath;
}

function bytes(path: string): Buffer {
  return Buffer.from(path, 'latin1');
}
