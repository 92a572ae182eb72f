import type { BytePath } from '../byte-path.ts';
import { leadsBack } from '../missing-parts.ts';
import type { Segment } from '../tar/sparse.ts';

/** A file, as a place in a layer's tar; several names may share it. */
export interface FileNode {
  readonly kind: 'file';
  /** Position of the layer in the image. */
  readonly layer: number;
  readonly offset: number;
  readonly size: number;
  readonly segments: readonly Segment[] | undefined;
}

export interface SymlinkNode {
  readonly kind: 'symlink';
  readonly target: string;
}

/** A device or a fifo. */
export interface OtherNode {
  readonly kind: 'other';
}

export interface DirectoryNode {
  readonly kind: 'directory';
  /** Without an entry of its own in this layer. */
  implied: boolean;
  readonly children: Map<string, TreeNode>;
}

/** A hardlink whose target this layer does not have (yet). */
export interface LateNode {
  readonly kind: 'late';
  readonly target: BytePath;
}

export type TreeNode = FileNode | SymlinkNode | OtherNode | DirectoryNode | LateNode;

export function newDirectory(implied: boolean): DirectoryNode {
  return { kind: 'directory', implied, children: new Map() };
}

/** As many as the kernel follows (path_resolution(7)). */
const mostSymlinks = 40;

/** Where a walk ended: at a directory, or before what is `missing`, no directory (`blocked`), or a circle of symlinks (`loop`). */
export type Walk =
  | { readonly directory: DirectoryNode; readonly path: readonly string[] }
  | { readonly directory: undefined; readonly path: readonly string[]; readonly why: 'missing' | 'blocked' | 'loop' };

/**
 * Follows a path as a process inside the root would. With `create` missing directories are made; with `replace` they take
 * the place of what is no directory too. The path of a walk that ends early is what it would have come to.
 */
export function walkNodes(
  root: DirectoryNode,
  path: string,
  { create = false, replace = false }: { readonly create?: boolean; readonly replace?: boolean } = {},
): Walk {
  const pending = path.split('/').toReversed();
  const names: string[] = [];
  const directories = [root];
  let symlinks = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (names.pop() !== undefined) directories.pop();
      continue;
    }
    const parent = directories.at(-1) ?? root;
    let node = parent.children.get(name);
    if (node?.kind === 'symlink') {
      symlinks += 1;
      if (symlinks > mostSymlinks) return { directory: undefined, path: names, why: 'loop' };
      if (node.target.startsWith('/')) {
        names.length = 0;
        directories.length = 1;
      }
      pending.push(...node.target.split('/').toReversed());
      continue;
    }
    if (node?.kind !== 'directory') {
      const isFree = node === undefined || node.kind === 'late';
      if (!(create && isFree) && !replace) {
        const rest = withoutDots([...names, name, ...pending.toReversed()]);
        return { directory: undefined, path: rest, why: isFree ? 'missing' : 'blocked' };
      }
      if (isFree && leadsBack(pending)) continue;
      node = newDirectory(true);
      parent.children.set(name, node);
    }
    names.push(name);
    directories.push(node);
  }
  return { directory: directories.at(-1) ?? root, path: names };
}

function withoutDots(names: readonly string[]): string[] {
  const kept: string[] = [];
  for (const name of names) {
    if (name === '..') kept.pop();
    else if (name !== '' && name !== '.') kept.push(name);
  }
  return kept;
}
