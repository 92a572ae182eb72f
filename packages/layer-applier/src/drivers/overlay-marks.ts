import { closeSync, rmSync, statSync } from 'node:fs';
import { cString, check, mknodAt, namesIn, openDirectoryAt, setXattr, statName } from '@boxkit/linux';
import { baseName, joinPath, parentPath, type BytePath } from '../byte-path.ts';
import { markPlaces } from '../merge/mark-places.ts';
import { openMergeState, type MergeState } from '../merge/merge-state.ts';
import { openBelow, openForChange } from '../merge/open-directory.ts';
import type { StagedLayer } from '../staged-layer.ts';
import type { RootAttributes } from './root-attributes.ts';
import { imageXattrs } from './overlay-xattrs.ts';
import type { OverlayNamespace } from './overlay-namespace.ts';

/** Marks that have no place in the layer's own tree: what they hide is known only above other layers. */
export interface OrphanMarks {
  readonly whiteouts: readonly BytePath[];
  readonly opaques: readonly BytePath[];
}

export interface MarkOptions {
  readonly layer: Pick<StagedLayer, 'path' | 'whiteouts' | 'opaques' | 'impliedDirectories' | 'deferredHardlinks'>;
  /** A directory for what is taken out of the tree, made and removed. */
  readonly trash: string;
  readonly namespace: OverlayNamespace;
}

const characterDevice = 0o020000;

/**
 * Completes the overlay form of an extracted layer.
 * - A directory that exists only to hold whiteouts would hide a lower file or symlink of its name, or appear where no lower
 *   layer has it: it is taken out, and its marks are given back to be settled.
 * - overlayfs looks for whiteouts only in directories that it merges, and shows them as files in one that no other layer
 *   has, unless the directory says that it was copied up (an `origin` attribute, whose value may be empty).
 */
export function markOverlay({ layer, trash, namespace }: MarkOptions): OrphanMarks {
  using state = openMergeState(layer.path, trash);
  try {
    const hidden = new Set<BytePath>(layer.whiteouts);
    const places = markPlaces(layer);
    for (const path of layer.impliedDirectories.toReversed()) {
      if (places.has(path)) pruneMarks(state, path, hidden.has(path));
    }
    state.restore();
    for (const parent of new Set(layer.whiteouts.map(parentPath))) markMerged(state.root, parent, namespace);
    return {
      whiteouts: layer.whiteouts.filter((path) => !hasPlace(state.root, path)),
      opaques: layer.opaques.filter((path) => path !== '' && !hasPlace(state.root, path)),
    };
  } finally {
    rmSync(trash, { recursive: true, force: true });
  }
}

/** Takes out an implied directory that holds nothing but whiteouts; where it is hidden itself, a whiteout takes its place. */
function pruneMarks(state: MergeState, path: BytePath, hidden: boolean): void {
  const parent = openBelow(state.root, parentPath(path));
  if (typeof parent === 'string') return;
  const name = baseName(path);
  const fd = openDirectoryAt(parent, name);
  if (typeof fd === 'number') {
    const onlyMarks = namesIn(fd).every((child) => isWhiteout(fd, child));
    closeSync(fd);
    if (onlyMarks) {
      rememberParent(state, parentPath(path));
      state.discard(parent, name, path);
      if (hidden) check(mknodAt(parent, cString(Buffer.from(name, 'latin1')), characterDevice, 0), 'mknodat');
    }
  }
  closeSync(parent);
}

function rememberParent(state: MergeState, path: BytePath): void {
  const opened = path === '' ? undefined : openForChangeBelow(state.root, path);
  if (opened === undefined) return state.remember(state.root, '' as BytePath);
  state.remember(opened.fd, path, opened.stat);
  closeSync(opened.fd);
}

function openForChangeBelow(
  root: number,
  path: BytePath,
): Exclude<ReturnType<typeof openForChange>, string> | undefined {
  const parent = openBelow(root, parentPath(path));
  if (typeof parent === 'string') return undefined;
  const opened = openForChange(parent, baseName(path));
  closeSync(parent);
  return typeof opened === 'string' ? undefined : opened;
}

function markMerged(root: number, path: BytePath, namespace: OverlayNamespace): void {
  const fd = openBelow(root, path);
  if (typeof fd === 'string') return;
  if (namesIn(fd).some((name) => isWhiteout(fd, name))) {
    setXattr(`/proc/self/fd/${fd}/.`, `${namespace}.overlay.origin`, Buffer.alloc(0));
  }
  closeSync(fd);
}

/** Whether the tree has something at the path, or something that is no directory on the way there. */
function hasPlace(root: number, path: BytePath): boolean {
  let at = '' as BytePath;
  for (const name of path.split('/')) {
    const parent = openBelow(root, at);
    if (typeof parent === 'string') return true;
    const stat = statName(parent, name);
    closeSync(parent);
    if (stat === undefined) return false;
    at = joinPath(at, name);
    if (!stat.isDirectory()) return true;
  }
  return true;
}

function isWhiteout(directory: number, name: string): boolean {
  const stat = statName(directory, name);
  return stat?.isCharacterDevice() === true && stat.rdev === 0n;
}

/** Whether the layer has entries that hang on what lies below it. */
export function needsSettling(staged: StagedLayer, orphans: OrphanMarks): boolean {
  return [staged.impliedDirectories, staged.deferredHardlinks, orphans.whiteouts, orphans.opaques].some(
    (list) => list.length > 0,
  );
}

/** A directory's attributes as the disk has them. */
export function rootAttributes(tree: string, namespace: OverlayNamespace): RootAttributes {
  const { mode, uid, gid, mtimeNs } = statSync(tree, { bigint: true });
  const xattrs = imageXattrs(tree, namespace).map(([name, value]) => [name, value.toString('base64')] as const);
  return {
    mode: Number(mode) & 0o7777,
    uid: Number(uid),
    gid: Number(gid),
    mtime: String(mtimeNs),
    ...(xattrs.length === 0 ? {} : { xattrs: Object.fromEntries(xattrs) }),
  };
}
