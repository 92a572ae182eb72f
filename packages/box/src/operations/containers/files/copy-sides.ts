import { closeSync, lstatSync, mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { SystemCallError } from '@boxkit/linux';
import { type CopyHow, copyContents, copyTree, pathOf, type Place } from './copy-tree.ts';
import { followInside, openDirectoryIn } from './open-inside.ts';

/** One side of a copy: a path below a root, which for the host is `/`. */
export interface Side {
  readonly root: number;
  /** Absolute; a trailing `/` or `/.` has a meaning. */
  readonly path: string;
}

/** Copies by the rules of cp(1): into a directory that is there, `DIR/.` for what lies in DIR. Throws Error. */
export function copy(from: Side, to: Side, how: CopyHow & { readonly followLink?: boolean }): void {
  if (isContents(from.path)) return copyAllIn(from, to, how);
  using source = openSource(from, how.followLink === true);
  const stat = lstatSync(pathOf(source.place));
  if (from.path.endsWith('/') && !stat.isDirectory()) throw new Error(`${from.path} is no directory`);
  using target = openTarget(to, { name: Buffer.from(basename(from.path)), directory: stat.isDirectory() });
  copyTree(source.place, target.place, how);
}

/** `DIR/.` means what lies in it, as cp(1) and docker have it. */
export const isContents = (path: string): boolean => path === '/' || path.endsWith('/.');

function copyAllIn(from: Side, to: Side, how: CopyHow): void {
  const source = openDirectoryIn(from.root, from.path);
  try {
    const target = tryDirectory(to) ?? makeTarget(to);
    try {
      copyContents(source, target, how);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

function makeTarget(to: Side): number {
  using parent = openParent(to);
  mkdirSync(pathOf(parent.place), 0o755);
  return openDirectoryIn(to.root, to.path);
}

/** Where a copy goes: into a directory that is there, under its own name, else to the very path. */
function openTarget(to: Side, source: { readonly name: Buffer; readonly directory: boolean }): OpenPlace {
  const existing = tryDirectory(to);
  if (existing !== undefined) return openPlace({ directory: existing, name: source.name });
  if (to.path.endsWith('/') && !source.directory) throw new Error(`there is no directory ${to.path}`);
  const parent = openParent(to);
  const there = lstatSync(pathOf(parent.place), { throwIfNoEntry: false });
  if (there === undefined || !source.directory) return parent;
  parent[Symbol.dispose]();
  throw new Error(`${to.path} is there, and no directory`);
}

function tryDirectory({ root, path }: Side): number | undefined {
  try {
    return openDirectoryIn(root, path);
  } catch (error) {
    if (error instanceof SystemCallError && ['ENOENT', 'ENOTDIR'].includes(error.errno)) return undefined;
    throw error;
  }
}

export interface OpenPlace extends Disposable {
  readonly place: Place;
}

/** A path's place, or that of what a symlink there leads to inside of the root. */
export function openSource(from: Side, followLink: boolean): OpenPlace {
  if (!followLink) return openParent(from);
  return openParent({ root: from.root, path: followInside(from.root, from.path) });
}

function openPlace(place: Place): OpenPlace {
  return { place, [Symbol.dispose]: () => closeSync(place.directory) };
}

function openParent({ root, path }: Side): OpenPlace {
  const name = basename(path);
  // a path that ends with .. names a directory that has its name elsewhere
  if (name === '..' || name === '.' || name === '') throw new Error(`${path} has no name of its own`);
  return openPlace({ directory: openDirectoryIn(root, dirname(join('/', path))), name: Buffer.from(name) });
}
