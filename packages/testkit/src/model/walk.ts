import { emptyDirectory, type Directory, type Node } from './nodes.ts';

/** As many as the kernel follows (path_resolution(7)). */
const mostSymlinks = 40;

export interface Walked {
  /** The directory that the path leads to; undefined when something is in the way. */
  readonly directory: Directory | undefined;
  /** Its path without symlinks; of a path that ends early, what it would be. */
  readonly path: readonly string[];
  /** Why there is no directory. */
  readonly why?: 'missing' | 'blocked' | 'loop';
}

export interface WalkOptions {
  /** Makes what is missing; `over` too where something that is no directory stands. */
  readonly create?: 'missing' | 'over';
}

/**
 * Walks a path as a process with this root would: symlinks are followed, absolute targets count from the root, `..`
 * ends there.
 */
export function walk(root: Directory, components: readonly string[], { create }: WalkOptions = {}): Walked {
  const pending = components.toReversed();
  const trail: { readonly name: string; readonly directory: Directory }[] = [];
  const path = (): string[] => trail.map(({ name }) => name);
  let symlinks = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      trail.pop();
      continue;
    }
    const parent = trail.at(-1)?.directory ?? root;
    const node: Node | undefined = parent.children.get(name);
    if (node?.kind === 'symlink') {
      symlinks += 1;
      if (symlinks > mostSymlinks) return { directory: undefined, path: path(), why: 'loop' };
      if (node.target.startsWith('/')) trail.length = 0;
      pending.push(...node.target.split('/').toReversed());
      continue;
    }
    if (node?.kind === 'directory') {
      trail.push({ name, directory: node });
      continue;
    }
    const absent = node === undefined || node.kind === 'waiting';
    if (create === undefined || (create === 'missing' && !absent)) {
      const rest = lexically([...path(), name, ...pending.toReversed()]);
      return { directory: undefined, path: rest, why: absent ? 'missing' : 'blocked' };
    }
    if (absent && comesBack(pending)) continue;
    const made = emptyDirectory(true);
    parent.children.set(name, made);
    trail.push({ name, directory: made });
  }
  return { directory: trail.at(-1)?.directory ?? root, path: path() };
}

function lexically(components: readonly string[]): string[] {
  const kept: string[] = [];
  for (const name of components) {
    if (name === '..') kept.pop();
    else if (name !== '' && name !== '.') kept.push(name);
  }
  return kept;
}

/** `x/../y` is `y` where there is no x, and makes none. Takes off what is in x. */
function comesBack(pending: string[]): boolean {
  const rest = pending.toReversed();
  for (let end = 1; end <= rest.length; end += 1) {
    const inside = rest.slice(0, end).filter((name) => name !== '' && name !== '.');
    const depth = inside.reduce((sum, name) => sum + (name === '..' ? -1 : 1), 1);
    if (depth > 0) continue;
    pending.length -= end;
    return true;
  }
  return false;
}
