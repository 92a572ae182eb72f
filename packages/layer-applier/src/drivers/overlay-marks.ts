import { closeSync, statSync } from 'node:fs';
import { openDirectory, setXattr, statName } from '@boxkit/linux';
import { baseName, parentPath, type BytePath } from '../byte-path.ts';
import { openBelow } from '../merge/open-directory.ts';
import type { OverlayNamespace } from './rootfs-job.ts';

/**
 * Completes the overlay form of an extracted layer: overlayfs looks for whiteouts only in directories that it merges,
 * and shows them as files in one that no other layer has, unless the directory says that it was copied up (an
 * `origin` attribute, whose value may be empty).
 */
export function markOverlay(tree: string, whiteouts: readonly BytePath[], namespace: OverlayNamespace): void {
  const root = openDirectory(tree);
  const marked = new Set<BytePath>();
  try {
    for (const path of whiteouts) {
      const parent = parentPath(path);
      if (marked.has(parent)) continue;
      const fd = openBelow(root, parent);
      if (typeof fd === 'string') continue;
      const stat = statName(fd, baseName(path));
      if (stat?.isCharacterDevice() === true && stat.rdev === 0n) {
        setXattr(`/proc/self/fd/${fd}/.`, `${namespace}.overlay.origin`, Buffer.alloc(0));
        marked.add(parent);
      }
      closeSync(fd);
    }
  } finally {
    closeSync(root);
  }
}

/** Whether the layer has entries that hang on what lies below it. */
export function needsSettling(staged: {
  readonly impliedDirectories: readonly unknown[];
  readonly deferredHardlinks: readonly unknown[];
}): boolean {
  return staged.impliedDirectories.length > 0 || staged.deferredHardlinks.length > 0;
}

/** A directory's attributes as the disk has them. */
export function rootAttributes(tree: string): { mode: number; uid: number; gid: number; mtime: number } {
  const { mode, uid, gid, mtimeMs } = statSync(tree);
  return { mode: mode & 0o7777, uid, gid, mtime: mtimeMs };
}
