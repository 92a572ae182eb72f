import { readdirSync } from 'node:fs';
import { setXattr } from '@boxkit/linux';
import { baseName, joinPath, parentPath, type BytePath } from '../byte-path.ts';
import type { MergeLayer } from '../merge/merge-layer.ts';
import type { OrphanMarks } from './overlay-marks.ts';
import { OverlayPatch } from './overlay-patch.ts';
import { bytes, type OverlayView, type Seen, type SeenDirectory } from './overlay-view.ts';
import type { OverlayNamespace } from './overlay-namespace.ts';

/** What a mark's place depends on. */
export interface MarkedLayer {
  /** What the layers below show. */
  readonly lower: OverlayView;
  /** The layer's own tree. */
  readonly own: OverlayView;
  readonly implied: ReadonlySet<string>;
}

/**
 * The directory below a layer that one of the layer's is merged with, so that a mark in it hides what that one holds;
 * undefined when there is none. A lower symlink is followed where the layer has no entry for the directory.
 */
export function markedDirectory({ lower, own, implied }: MarkedLayer, path: BytePath): SeenDirectory | undefined {
  let current = lower.root;
  let ours: Seen | undefined = { kind: 'directory', merged: own.root.merged };
  let done = '' as BytePath;
  for (const name of path === '' ? [] : path.split('/')) {
    done = joinPath(done, name);
    ours = ours?.kind === 'directory' ? own.look(ours.merged, name) : undefined;
    if (ours !== undefined && ours.kind !== 'directory') return undefined;
    const seen = lower.look(current.merged, name);
    const at = joinPath(current.path, name);
    if (seen?.kind === 'directory') {
      current = { path: at, merged: seen.merged };
    } else if (seen?.kind === 'symlink' && (ours === undefined || implied.has(done))) {
      const found = lower.resolve(at);
      if (typeof found === 'string') return undefined;
      current = found;
    } else {
      return undefined;
    }
  }
  return current;
}

export interface HideOptions {
  readonly layer: MergeLayer;
  readonly orphans: OrphanMarks;
  readonly marked: MarkedLayer;
  /** Where the tree is made, as bytes; an existing, empty directory. */
  readonly tree: string;
  readonly namespace: OverlayNamespace;
}

export interface Hides {
  /** Entries made; with 0 the tree is not needed. */
  readonly count: number;
  /** Whiteouts, as the layer names them, that the layer's own tree cannot show where they belong. */
  readonly moved: ReadonlySet<BytePath>;
}

/**
 * Makes the tree, put between a layer and those below it, of the marks that the layer's own tree cannot hold: those that
 * a lower symlink leads elsewhere, and those whose directory exists only to hold them. As it lies below the layer, they
 * hide lower layers only.
 */
export function hideBelow({ layer, orphans, marked, tree, namespace }: HideOptions): Hides {
  const { lower } = marked;
  const hidden = new Set<BytePath>();
  const opaque = new Set<BytePath>();
  const moved = new Set<BytePath>();
  const places = new Map<BytePath, SeenDirectory | undefined>();
  const placeOf = (path: BytePath): SeenDirectory | undefined => {
    if (!places.has(path)) places.set(path, markedDirectory(marked, path));
    return places.get(path);
  };
  const orphan = new Set<BytePath>([...orphans.whiteouts, ...orphans.opaques]);
  for (const path of layer.opaques) {
    const place = placeOf(path);
    if (place === undefined || (place.path === path && !orphan.has(path))) continue;
    if (place.path !== '') opaque.add(place.path);
    // overlayfs has no opaque root of a lower layer.
    else for (const name of namesIn(place)) hidden.add(name);
  }
  for (const path of layer.whiteouts) {
    const place = placeOf(parentPath(path));
    if (place === undefined || (place.path === parentPath(path) && !orphan.has(path))) continue;
    moved.add(path);
    if (lower.look(place.merged, baseName(path)) !== undefined) hidden.add(joinPath(place.path, baseName(path)));
  }
  const patch = new OverlayPatch(tree, namespace);
  const ensure = (path: BytePath): void => {
    if (path === '' || patch.has(path)) return;
    ensure(parentPath(path));
    const seen = lower.resolve(path);
    patch.directory(path, typeof seen === 'string' ? undefined : seen.merged[0]);
  };
  for (const path of opaque) {
    if (hidden.has(path) || isCovered(path, hidden, opaque)) continue;
    ensure(path);
    setXattr(bytes(patch.pathOf(path)), `${namespace}.overlay.opaque`, Buffer.from('y'));
  }
  for (const path of hidden) {
    if (isCovered(path, hidden, opaque)) continue;
    ensure(parentPath(path));
    patch.whiteout(path);
  }
  patch.finish();
  return { count: patch.count, moved };
}

function namesIn({ merged }: SeenDirectory): BytePath[] {
  return [...new Set(merged.flatMap((path) => readdirSync(bytes(path), 'latin1')))] as BytePath[];
}

function isCovered(path: BytePath, ...above: readonly ReadonlySet<BytePath>[]): boolean {
  for (let at = path; at !== '';) {
    at = parentPath(at);
    if (above.some((paths) => paths.has(at))) return true;
  }
  return false;
}
