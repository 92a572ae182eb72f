import { joinPath, type BytePath } from '../byte-path.ts';
import { leadsBack } from '../missing-parts.ts';
import { nodeKind, type ImageNodes } from './image-nodes.ts';

/** A directory and where it is in the image. */
export interface WalkedDirectory {
  readonly node: number;
  readonly path: BytePath;
}

export interface WalkOptions {
  readonly nodes: ImageNodes;
  /** The target of a symlink's node. */
  readonly targetOf: (node: number) => string;
  /** Makes what is missing; nothing is made when absent. */
  readonly create?: (parent: WalkedDirectory, name: string) => number;
}

/** As many as the kernel follows (path_resolution(7)). */
const mostSymlinks = 40;

/**
 * Follows a path to a directory as a process inside the root would. Tells why there is none: something on the way is
 * `missing`, or is no directory, or symlinks form a circle (`blocked`).
 */
export function walkImage(
  path: string,
  { nodes, targetOf, create }: WalkOptions,
): WalkedDirectory | 'missing' | 'blocked' {
  const root: WalkedDirectory = { node: nodes.root, path: '' as BytePath };
  const pending = path.split('/').toReversed();
  const stack: WalkedDirectory[] = [];
  let symlinks = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      stack.pop();
      continue;
    }
    const parent = stack.at(-1) ?? root;
    const node = nodes.find(nodes.numberOf(parent.node), name);
    if (nodes.isDirectory(node)) {
      stack.push({ node, path: joinPath(parent.path, name) });
    } else if (node < 0) {
      if (create === undefined) return 'missing';
      if (leadsBack(pending)) continue;
      stack.push({ node: create(parent, name), path: joinPath(parent.path, name) });
    } else {
      symlinks += 1;
      if (nodes.kindOf(node) !== nodeKind.symlink || symlinks > mostSymlinks) return 'blocked';
      const target = targetOf(node);
      if (target.startsWith('/')) stack.length = 0;
      pending.push(...target.split('/').toReversed());
    }
  }
  return stack.at(-1) ?? root;
}
