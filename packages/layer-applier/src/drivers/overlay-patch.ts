import {
  chmodSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  type BigIntStats,
} from 'node:fs';
import { check, cString, currentDirectory, mknodAt, setTimesAt, setXattr } from '@boxkit/linux';
import { joinPath, parentPath, type BytePath } from '../byte-path.ts';
import { bytes, type SeenDirectory } from './overlay-view.ts';
import { imageXattrs } from './overlay-xattrs.ts';
import type { OverlayNamespace } from './overlay-namespace.ts';

const S_IFCHR = 0o020000;

/**
 * A small layer put upon another one, of what that one should have been above these very layers: directories with
 * the attributes of lower ones, entries moved to where a lower symlink leads, hardlinks to lower files.
 */
export class OverlayPatch {
  /** Absolute, as bytes. */
  readonly tree: string;
  /** Entries made. */
  count = 0;
  readonly #namespace: OverlayNamespace;
  readonly #final: { readonly path: string; readonly stat: Pick<BigIntStats, 'mode' | 'atimeNs' | 'mtimeNs'> }[] = [];

  constructor(tree: string, namespace: OverlayNamespace) {
    this.tree = tree;
    this.#namespace = namespace;
  }

  pathOf(path: BytePath): string {
    return `${this.tree}/${path}`;
  }

  has(path: BytePath): boolean {
    return lstatSync(bytes(this.pathOf(path)), { throwIfNoEntry: false }) !== undefined;
  }

  /**
   * A directory with the attributes that `source` has but for the overlay's own marks, or with the defaults; its parents
   * must be there.
   */
  directory(path: BytePath, source: string | undefined, { timesOf }: { readonly timesOf?: string } = {}): void {
    const place = this.pathOf(path);
    const present = lstatSync(bytes(place), { throwIfNoEntry: false });
    if (present?.isDirectory() !== true) {
      if (present !== undefined) this.remove(path);
      mkdirSync(bytes(place), { mode: 0o700 });
      this.count += 1;
    }
    if (source === undefined) {
      const { atimeNs, mtimeNs } = lstatSync(bytes(timesOf ?? this.tree), { bigint: true });
      this.#final.push({ path: place, stat: { mode: 0o755n, atimeNs, mtimeNs } });
      return;
    }
    const stat = lstatSync(bytes(source), { bigint: true });
    lchownSync(bytes(place), Number(stat.uid), Number(stat.gid));
    for (const [name, value] of imageXattrs(bytes(source), this.#namespace)) {
      setXattr(bytes(place), name, value);
    }
    // Both change again while children come in, and a closed directory could not take any.
    this.#final.push({ path: place, stat });
  }

  /** Another name for a file of a lower layer: no data is copied, as all layers are on one file system. */
  link(source: string, path: BytePath): void {
    if (this.has(path)) this.remove(path);
    linkSync(bytes(source), bytes(this.pathOf(path)));
    this.count += 1;
  }

  /** The symlink of a lower layer: itself where it has other names, which are to stay names of one inode. */
  symlink(source: string, path: BytePath): void {
    const place = bytes(this.pathOf(path));
    const stat = lstatSync(bytes(source), { bigint: true });
    if (stat.nlink > 1n) return this.link(source, path);
    symlinkSync(readlinkSync(bytes(source), 'buffer'), place);
    lchownSync(place, Number(stat.uid), Number(stat.gid));
    setTimesAt(place, stat.atimeNs, stat.mtimeNs);
    this.count += 1;
  }

  whiteout(path: BytePath): void {
    if (this.has(path)) return;
    check(mknodAt(currentDirectory, cString(bytes(this.pathOf(path))), S_IFCHR, 0), 'mknod', path);
    const parent = bytes(this.pathOf(parentPath(path)));
    setXattr(parent, `${this.#namespace}.overlay.origin`, Buffer.alloc(0));
    this.count += 1;
  }

  remove(path: BytePath): void {
    rmSync(bytes(this.pathOf(path)), { recursive: true });
  }

  /** The directory as a view sees it once this patch has it. */
  seen(parent: SeenDirectory, name: string): SeenDirectory {
    const path = joinPath(parent.path, name);
    return { path, merged: [this.pathOf(path)] };
  }

  /** Sets modes and times, the topmost last. */
  finish(): void {
    for (const { path, stat } of this.#final.toReversed()) {
      if (!isDirectory(path)) continue;
      chmodSync(bytes(path), Number(stat.mode) & 0o7777);
      setTimesAt(bytes(path), stat.atimeNs, stat.mtimeNs);
    }
  }
}

/** A later step may have put something else there, or in the place of a directory above it. */
function isDirectory(path: string): boolean {
  try {
    return lstatSync(bytes(path), { throwIfNoEntry: false })?.isDirectory() === true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return false;
    throw error;
  }
}
