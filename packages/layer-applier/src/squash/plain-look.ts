import { baseName, joinPath, parentPath, type BytePath } from '../byte-path.ts';
import type { OverlayView, Seen } from '../drivers/overlay-view.ts';

/**
 * What a view shows at a path whose directories are no symlinks in it; undefined when nothing is there, or something else
 * than directories leads there.
 */
export function plainLook(view: OverlayView, path: BytePath): Seen | undefined {
  if (path === '') return { kind: 'directory', merged: view.root.merged };
  const parent = view.resolve(parentPath(path));
  if (typeof parent === 'string' || parent.path !== parentPath(path)) return undefined;
  return view.look(parent.merged, baseName(path));
}

/** A path, its directories resolved as a lower layer's symlinks lead; undefined when there is no such directory. */
export function settledLook(
  view: OverlayView,
  path: BytePath,
): { readonly path: BytePath; readonly seen: Seen } | undefined {
  const parent = view.resolve(parentPath(path));
  if (typeof parent === 'string') return undefined;
  const seen = view.look(parent.merged, baseName(path));
  return seen === undefined ? undefined : { path: joinPath(parent.path, baseName(path)), seen };
}
