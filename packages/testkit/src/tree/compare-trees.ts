import { readTree, type Tree, type TreeEntry } from './read-tree.ts';

export type TreeField = keyof TreeEntry;

export interface CompareOptions {
  /** What is not compared: `['owner']`, say, for a tree that was made without root. */
  readonly ignore?: readonly TreeField[];
  /** Paths, with all below them, that are not compared. */
  readonly except?: readonly string[];
}

/**
 * Compares two directories: path, type, mode, owner, size, content, link target, device, mtime to the nanosecond,
 * xattrs and which paths are one inode. Gives one line for each difference, none when they are equal.
 */
export async function compareTrees(left: string, right: string, options: CompareOptions = {}): Promise<string[]> {
  return differences(await readTree(left), await readTree(right), options);
}

/** The same, of trees that were read already. */
export function differences(left: Tree, right: Tree, options: CompareOptions = {}): string[] {
  const paths = [...new Set([...left.keys(), ...right.keys()])].toSorted();
  return paths
    .filter((path) => !(options.except ?? []).some((top) => path === top || path.startsWith(`${top}/`)))
    .flatMap((path) => entryDifferences(path, [left.get(path), right.get(path)], options.ignore ?? []));
}

function entryDifferences(
  path: string,
  [left, right]: readonly [TreeEntry | undefined, TreeEntry | undefined],
  ignore: readonly TreeField[],
): string[] {
  if (left === undefined) return [`${path}: only on the right`];
  if (right === undefined) return [`${path}: only on the left`];
  const fields: readonly TreeField[] = [
    'type',
    'mode',
    'owner',
    'size',
    'content',
    'link',
    'device',
    'mtime',
    'sameAs',
    'xattrs',
  ];
  return fields
    .filter((field) => !ignore.includes(field) && JSON.stringify(left[field]) !== JSON.stringify(right[field]))
    .map((field) => `${path}: ${field} ${JSON.stringify(left[field])} and ${JSON.stringify(right[field])}`);
}
