import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { findXattr } from '@boxkit/linux';
import { joinPath, type BytePath } from '../byte-path.ts';
import { leadsBack } from '../missing-parts.ts';
import type { OverlayNamespace } from './overlay-namespace.ts';

/** What a path is in a stack of layers. All paths are strings of bytes (latin1). */
export type Seen =
  /** The directories that overlayfs would merge, topmost first; absolute. */
  | { readonly kind: 'directory'; readonly merged: readonly string[] }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }
  | { readonly kind: 'other'; readonly path: string };

/** A directory of the view, by its path without symlinks. */
export interface SeenDirectory {
  readonly path: BytePath;
  readonly merged: readonly string[];
}

/** As many as the kernel follows (path_resolution(7)). */
const mostSymlinks = 40;
const mostKnown = 10_000;

/**
 * What overlayfs shows of layers, found without mounting them, one name at a time, and so without memory that grows
 * with the image. Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories".
 */
export class OverlayView {
  readonly root: SeenDirectory;
  readonly #opaque: string;
  /** Directories that were resolved before; undefined where the trees still change. */
  readonly #known: Map<string, readonly string[]> | undefined;

  /** `trees` are absolute paths, topmost first. */
  constructor(
    trees: readonly string[],
    namespace: OverlayNamespace,
    { changing = false }: { readonly changing?: boolean } = {},
  ) {
    this.#known = changing ? undefined : new Map();
    this.#opaque = `${namespace}.overlay.opaque`;
    this.root = { path: '' as BytePath, merged: this.#untilOpaque(trees) };
  }

  /** One name in a merged directory. */
  look(merged: readonly string[], name: string): Seen | undefined {
    const directories: string[] = [];
    for (const [at, directory] of merged.entries()) {
      const path = `${directory}/${name}`;
      const stat = lstatSync(bytes(path), { throwIfNoEntry: false });
      if (stat === undefined) continue;
      if (!stat.isDirectory()) {
        if (directories.length === 0 && !isWhiteout(stat)) return seenFile(path, stat);
        break;
      }
      directories.push(path);
      if (at + 1 < merged.length && this.#isOpaque(path)) break;
    }
    return directories.length === 0 ? undefined : { kind: 'directory', merged: directories };
  }

  /**
   * Resolves a path to a directory, symlinks followed inside the root. With `create`, a missing directory is asked
   * for; what it returns is gone on with. Gives undefined when there is none.
   */
  resolve(
    path: string,
    create?: (parent: SeenDirectory, name: string) => SeenDirectory,
  ): SeenDirectory | 'missing' | 'blocked' {
    const pending = components(path).toReversed();
    const stack: SeenDirectory[] = [];
    let symlinks = 0;
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === '..') {
        stack.pop();
        continue;
      }
      const parent = stack.at(-1) ?? this.root;
      const at = joinPath(parent.path, name);
      const known = this.#known?.get(at);
      if (known !== undefined) {
        stack.push({ path: at, merged: known });
        continue;
      }
      const seen = this.look(parent.merged, name);
      if (seen === undefined) {
        if (create === undefined) return 'missing';
        if (leadsBack(pending)) continue;
        stack.push(create(parent, name));
      } else if (seen.kind === 'directory') {
        this.#remember(at, seen.merged);
        stack.push({ path: at, merged: seen.merged });
      } else {
        if (seen.kind === 'other' || ++symlinks > mostSymlinks) return 'blocked';
        if (seen.target.startsWith('/')) stack.length = 0;
        pending.push(...components(seen.target).toReversed());
      }
    }
    return stack.at(-1) ?? this.root;
  }

  /** Bounded, so that an image of a million directories is looked at in little memory. */
  #remember(path: string, merged: readonly string[]): void {
    if (this.#known === undefined) return;
    if (this.#known.size >= mostKnown) this.#known.clear();
    this.#known.set(path, merged);
  }

  #untilOpaque(trees: readonly string[]): readonly string[] {
    const opaque = trees.findIndex((tree) => this.#isOpaque(tree));
    return opaque === -1 ? trees : trees.slice(0, opaque + 1);
  }

  #isOpaque(path: string): boolean {
    return findXattr(bytes(path), this.#opaque)?.toString() === 'y';
  }
}

export function bytes(path: string): Buffer {
  return Buffer.from(path, 'latin1');
}

export function isWhiteout(stat: Stats): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0;
}

function seenFile(path: string, stat: Stats): Seen {
  if (!stat.isSymbolicLink()) return { kind: 'other', path };
  return { kind: 'symlink', path, target: readlinkSync(bytes(path), 'latin1') };
}

function components(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}
