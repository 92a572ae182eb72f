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
import { joinPath, parentPath, pathText, type BytePath } from '../byte-path.ts';
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
  /** What each directory is to have at the end. */
  readonly #final = new Map<BytePath, Pick<BigIntStats, 'mode' | 'atimeNs' | 'mtimeNs'>>();

  constructor(tree: string, namespace: OverlayNamespace) {
    this.tree = tree;
    this.#namespace = namespace;
  }

  pathOf(path: BytePath): string {
    return `${this.tree}/${path}`;
  }

  /** Nothing is looked at or changed through a symlink of the image: what is above must be a directory of the patch. */
  has(path: BytePath): boolean {
    const parent = parentPath(path);
    if (parent !== '' && !this.#final.has(parent)) return false;
    return lstatSync(bytes(this.pathOf(path)), { throwIfNoEntry: false }) !== undefined;
  }

  /**
   * A directory with the attributes that `source` has but for the overlay's own marks, or with the defaults; its parents
   * must be there.
   */
  directory(path: BytePath, source: string | undefined, { timesOf }: { readonly timesOf?: string } = {}): void {
    const place = this.#placeOf(path);
    if (!this.#final.has(path)) {
      if (this.has(path)) this.remove(path);
      mkdirSync(bytes(place), { mode: 0o700 });
      this.count += 1;
    }
    if (source === undefined) {
      const { atimeNs, mtimeNs } = lstatSync(bytes(timesOf ?? this.tree), { bigint: true });
      this.#final.set(path, { mode: 0o755n, atimeNs, mtimeNs });
      return;
    }
    const stat = lstatSync(bytes(source), { bigint: true });
    lchownSync(bytes(place), Number(stat.uid), Number(stat.gid));
    for (const [name, value] of imageXattrs(bytes(source), this.#namespace)) {
      setXattr(bytes(place), name, value);
    }
    // Both change again while children come in, and a closed directory could not take any.
    this.#final.set(path, stat);
  }

  /** Another name for a file of a lower layer: no data is copied, as all layers are on one file system. */
  link(source: string, path: BytePath): void {
    if (this.has(path)) this.remove(path);
    linkSync(bytes(source), bytes(this.#placeOf(path)));
    this.count += 1;
  }

  /** The symlink of a lower layer: itself where it has other names, which are to stay names of one inode. */
  symlink(source: string, path: BytePath): void {
    const place = bytes(this.#placeOf(path));
    const stat = lstatSync(bytes(source), { bigint: true });
    if (stat.nlink > 1n) return this.link(source, path);
    symlinkSync(readlinkSync(bytes(source), 'buffer'), place);
    lchownSync(place, Number(stat.uid), Number(stat.gid));
    setTimesAt(place, stat.atimeNs, stat.mtimeNs);
    this.count += 1;
  }

  whiteout(path: BytePath): void {
    if (this.has(path)) return;
    check(mknodAt(currentDirectory, cString(bytes(this.#placeOf(path))), S_IFCHR, 0), 'mknod', path);
    const parent = bytes(this.pathOf(parentPath(path)));
    setXattr(parent, `${this.#namespace}.overlay.origin`, Buffer.alloc(0));
    this.count += 1;
  }

  remove(path: BytePath): void {
    rmSync(bytes(this.#placeOf(path)), { recursive: true });
    for (const directory of this.#final.keys()) {
      if (directory === path || directory.startsWith(`${path}/`)) this.#final.delete(directory);
    }
  }

  /** The directory as a view sees it once this patch has it. */
  seen(parent: SeenDirectory, name: string): SeenDirectory {
    const path = joinPath(parent.path, name);
    return { path, merged: [this.pathOf(path)] };
  }

  /** Sets modes and times, the topmost last. */
  finish(): void {
    for (const [path, stat] of [...this.#final].toReversed()) {
      const place = bytes(this.pathOf(path));
      chmodSync(place, Number(stat.mode) & 0o7777);
      setTimesAt(place, stat.atimeNs, stat.mtimeNs);
    }
  }

  #placeOf(path: BytePath): string {
    const parent = parentPath(path);
    if (parent !== '' && !this.#final.has(parent)) throw new Error(`no directory of the patch: ${pathText(parent)}`);
    return this.pathOf(path);
  }
}
