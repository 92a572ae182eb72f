import { chownSync, closeSync, fstatSync } from 'node:fs';
import { namesIn, symlinkTarget } from '@boxkit/linux';
import { baseName, joinPath, parentPath, type BytePath } from '../byte-path.ts';
import type { MergeState } from './merge-state.ts';
import { closeAsBefore, moveAt, must, openBelow, openForChange, type OpenDirectory } from './open-directory.ts';
import { resolveDirectory } from './resolve-directory.ts';
import { replaceXattrs } from './replace-xattrs.ts';

/** A directory of the layer, implied, that the root has a symlink for: settled after everything else of the layer. */
interface Redirect {
  readonly from: BytePath;
  readonly symlink: BytePath;
}

/**
 * Moves everything of a layer's tree into the root. What nothing below clashes with goes by one rename, a whole subtree
 * with it; only directories that both have are entered. The tree is used up.
 */
export function mergeTree(state: MergeState, layerRoot: number, implied: ReadonlySet<string>): void {
  const redirects: Redirect[] = [];
  const walk = { state, implied, redirects };
  mergeDirectory(walk, layerRoot, state.root, '' as BytePath, '' as BytePath);
  // Sorted at each turn: settling one may find others below it, and the outcome must not hang on readdir's order.
  while (redirects.length > 0) {
    redirects.sort((a, b) => (a.from < b.from ? 1 : -1));
    const redirect = redirects.pop();
    if (redirect !== undefined) settleRedirect(walk, layerRoot, redirect);
  }
}

interface Walk {
  readonly state: MergeState;
  readonly implied: ReadonlySet<string>;
  readonly redirects: Redirect[];
}

function mergeDirectory(walk: Walk, from: number, to: number, layerPath: BytePath, rootPath: BytePath): void {
  walk.state.remember(to, rootPath);
  for (const name of namesIn(from)) {
    const errno = moveAt(from, name, to, name, false);
    if (errno === 'EEXIST') settleClash(walk, from, to, joinPath(layerPath, name), joinPath(rootPath, name));
    else must(errno, 'renameat2', joinPath(layerPath, name));
  }
}

/** Both the layer and the root have the name. */
function settleClash(walk: Walk, from: number, to: number, layerPath: BytePath, rootPath: BytePath): void {
  const name = baseName(layerPath);
  const ours = openForChange(from, name);
  if (typeof ours === 'string') {
    replaceName(walk.state, from, to, name, rootPath);
    return;
  }
  const theirs = openForChange(to, name);
  if (typeof theirs === 'string') {
    closeAsBefore(ours);
    const follow = walk.implied.has(layerPath) && symlinkTarget(to, name) !== undefined;
    if (follow) walk.redirects.push({ from: layerPath, symlink: rootPath });
    else replaceName(walk.state, from, to, name, rootPath);
    return;
  }
  try {
    walk.state.remember(theirs.fd, rootPath, theirs.stat);
    if (!walk.implied.has(layerPath)) replaceAttributes(walk.state, ours, theirs.fd, rootPath);
    mergeDirectory(walk, ours.fd, theirs.fd, layerPath, rootPath);
  } finally {
    closeSync(theirs.fd);
    closeSync(ours.fd);
  }
}

/** Removes, then moves: never onto a file in place, which would write through its hardlinks. */
function replaceName(state: MergeState, from: number, to: number, name: string, rootPath: BytePath): void {
  state.discard(to, name, rootPath);
  must(moveAt(from, name, to, name, false), 'renameat2', rootPath);
}

/** A directory over a directory keeps the children and gets the upper one's mode, owner, times and xattrs. */
export function replaceAttributes(state: MergeState, ours: OpenDirectory, theirs: number, rootPath: BytePath): void {
  const { stat } = ours;
  const before = fstatSync(theirs, { bigint: true });
  if (stat.uid !== before.uid || stat.gid !== before.gid) {
    chownSync(`/proc/self/fd/${theirs}`, Number(stat.uid), Number(stat.gid));
  }
  replaceXattrs(ours.fd, theirs);
  state.replace(theirs, rootPath, stat);
}

/**
 * The layer has `lib/x` without an entry for `lib`, and the root has a symlink `lib -> usr/lib`: x goes into usr/lib.
 * Missing directories that the symlink points to are made; one that leads to no directory is replaced.
 */
function settleRedirect(walk: Walk, layerRoot: number, { from, symlink }: Redirect): void {
  const ours = openBelow(layerRoot, from);
  if (typeof ours === 'string') return;
  try {
    const theirs = resolveDirectory(walk.state, symlink, {
      create: true,
      times: fstatSync(ours, { bigint: true }),
    });
    if (typeof theirs !== 'string') {
      mergeDirectory(walk, ours, theirs.fd, from, theirs.path);
      closeSync(theirs.fd);
      return;
    }
    const parents = {
      from: openBelow(layerRoot, parentPath(from)),
      to: openBelow(walk.state.root, parentPath(symlink)),
    };
    if (typeof parents.from === 'string' || typeof parents.to === 'string') return;
    walk.state.discard(parents.to, baseName(symlink), symlink);
    must(moveAt(parents.from, baseName(from), parents.to, baseName(symlink), false), 'renameat2', symlink);
    closeSync(parents.from);
    closeSync(parents.to);
  } finally {
    closeSync(ours);
  }
}
