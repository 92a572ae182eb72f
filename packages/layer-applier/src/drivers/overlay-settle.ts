import { lstatSync, readdirSync } from 'node:fs';
import { baseName, joinPath, parentPath, type BytePath } from '../byte-path.ts';
import { missingTarget } from '../merge/link-deferred.ts';
import type { MergeLayer } from '../merge/merge-layer.ts';
import { hideBelow, type Hides } from './overlay-hides.ts';
import { OverlayPatch } from './overlay-patch.ts';
import { bytes, isWhiteout, OverlayView, type Seen, type SeenDirectory } from './overlay-view.ts';
import type { OrphanMarks } from './overlay-marks.ts';
import type { OverlayNamespace } from './overlay-namespace.ts';

export interface SettleOptions {
  /** The layer to settle, in overlay form. */
  readonly layer: MergeLayer;
  readonly orphans: OrphanMarks;
  /** Trees of what lies below it, topmost first, already settled. */
  readonly lower: readonly string[];
  /** An existing, empty directory for the patch. */
  readonly patch: string;
  /** An existing, empty directory for what the layer hides of those below; see hideBelow. */
  readonly hides: string;
  readonly namespace: OverlayNamespace;
}

/** Entries made of each tree; one without any is not needed. */
export interface Settled {
  readonly patch: number;
  readonly hides: number;
}

/**
 * Overlayfs cannot know that a directory was only implied, nor link to a lower layer's file. Makes the trees that, put
 * upon the layer and below it, give what a merge would give.
 * Throws ERR_BOX_LAYER_INVALID when a hardlink's target is nowhere.
 */
export function settleOverlay(options: SettleOptions): Settled {
  const settling = new Settling(options);
  for (const path of options.layer.impliedDirectories.toSorted()) settling.implied(path);
  settling.redirectAll();
  for (const { path, target } of options.layer.deferredHardlinks) settling.hardlink(path, target);
  settling.patch.finish();
  return { patch: settling.patch.count, hides: settling.hides.count };
}

/** A directory that the layer implies, where a symlink is seen: its content goes where that leads. */
interface Redirect {
  readonly layerPath: BytePath;
  /** The layer's directory on the disk. */
  readonly from: string;
  /** Where the symlink is seen. */
  readonly at: BytePath;
}

class Settling {
  readonly patch: OverlayPatch;
  readonly hides: Hides;
  readonly #layer: MergeLayer;
  readonly #implied: ReadonlySet<string>;
  /** Those that the layer's own tree shows. */
  readonly #whiteouts: ReadonlySet<string>;
  readonly #redirected = new Set<string>();
  /** Not settled yet. */
  readonly #redirects: Redirect[] = [];
  /** With the patch: what a container will see. */
  readonly #view: OverlayView;
  /** Without it: what attributes are taken from. */
  readonly #plain: OverlayView;
  /** What was there before the layer. */
  readonly #lower: OverlayView;
  readonly #tree: string;
  /** The layer alone. */
  readonly #layerTree: OverlayView;

  constructor({ layer, orphans, lower, patch, hides, namespace }: SettleOptions) {
    const latin1 = (path: string): string => Buffer.from(path).toString('latin1');
    this.#layer = layer;
    this.#tree = latin1(layer.path);
    this.patch = new OverlayPatch(latin1(patch), namespace);
    const below = lower.map(latin1);
    this.#lower = new OverlayView(below, namespace);
    this.#layerTree = new OverlayView([this.#tree], namespace);
    this.#implied = new Set(layer.impliedDirectories);
    const marked = { lower: this.#lower, own: this.#layerTree, implied: this.#implied };
    this.hides = hideBelow({ layer, orphans, marked, tree: latin1(hides), namespace });
    const shown = this.hides.count > 0 ? [latin1(hides), ...below] : below;
    this.#view = new OverlayView([this.patch.tree, this.#tree, ...shown], namespace, { changing: true });
    this.#plain = new OverlayView([this.#tree, ...shown], namespace);
    this.#whiteouts = new Set(layer.whiteouts.filter((path) => !this.hides.moved.has(path)));
  }

  implied(path: BytePath): void {
    if (!this.#inTree(path)) return;
    if (this.#whiteouts.has(path) || this.#isRedirected(path)) return;
    const seen = this.#belowLayer(path);
    if (seen?.kind === 'directory') this.#ensure(path);
    if (seen?.kind !== 'symlink') return;
    // Seen again at once, as others may lead through it.
    this.#ensure(parentPath(path));
    this.patch.symlink(seen.path, path);
    this.#redirected.add(path);
    this.#redirects.push({ layerPath: path, from: `${this.#tree}/${path}`, at: path });
  }

  /** In the order in which a merge settles them: one may lead through what another brings, and bring further ones. */
  redirectAll(): void {
    while (this.#redirects.length > 0) {
      this.#redirects.sort((a, b) => (a.layerPath < b.layerPath ? 1 : -1));
      const redirect = this.#redirects.pop();
      if (redirect !== undefined) this.#redirect(redirect);
    }
  }

  #belowOnly(merged: readonly string[]): readonly string[] {
    return merged.filter((path) => !isBelow(path, this.#tree) && !isBelow(path, this.patch.tree));
  }

  #inTree(path: BytePath): boolean {
    return typeof this.#layerTree.resolve(path) !== 'string';
  }

  hardlink(path: BytePath, target: BytePath): void {
    const source = find(this.#lower, target) ?? find(this.#view, target);
    const to = this.#view.resolve(parentPath(path), (parent, name) => this.#create(parent, name, this.#tree));
    if (source === undefined || typeof to === 'string') {
      throw missingTarget(this.#layer.layer, path, target);
    }
    const old = this.#view.look(to.merged, baseName(path));
    if (old !== undefined && old.kind !== 'directory' && sameFile(old.path, source.path)) return;
    this.#ensure(to.path);
    this.patch.link(source.path, joinPath(to.path, baseName(path)));
  }

  #isRedirected(path: BytePath): boolean {
    for (let at = path; at !== ''; at = parentPath(at)) if (this.#redirected.has(at)) return true;
    return false;
  }

  /** What a path of the layer is in the layers below it, as far as the layer lets them be seen. */
  #belowLayer(path: BytePath): ReturnType<OverlayView['look']> {
    const parent = this.#plain.resolve(parentPath(path));
    if (typeof parent === 'string') return undefined;
    return this.#plain.look(this.#belowOnly(parent.merged), baseName(path));
  }

  /** Puts a directory and its parents into the patch, as they are to look. */
  #ensure(path: BytePath): void {
    if (path === '' || this.patch.has(path)) return;
    this.#ensure(parentPath(path));
    this.patch.directory(path, this.#attributesOf(path));
  }

  #attributesOf(path: BytePath): string | undefined {
    if (this.#implied.has(path) && !this.#whiteouts.has(path)) {
      const below = this.#belowLayer(path);
      if (below?.kind === 'directory') return below.merged[0];
    }
    const seen = this.#plain.resolve(path);
    return typeof seen === 'string' ? undefined : seen.merged[0];
  }

  /** Where a symlink leads and nothing is yet: 0755, root's, with the times of what is to come in. */
  #create(parent: SeenDirectory, name: string, timesOf: string): SeenDirectory {
    this.#ensure(parent.path);
    this.patch.directory(joinPath(parent.path, name), undefined, { timesOf });
    return this.patch.seen(parent, name);
  }

  #redirect({ layerPath, from, at }: Redirect): void {
    const target = this.#view.resolve(at, (parent, name) => this.#create(parent, name, from));
    if (typeof target !== 'string') {
      this.#ensure(target.path);
      this.#moveInto(layerPath, from, target.path);
      return;
    }
    // It leads to no directory: the layer's own one replaces it, unless something else took the place of what is above.
    const parent = this.#view.resolve(parentPath(at));
    if (typeof parent === 'string' || parent.path !== parentPath(at)) return;
    if (this.patch.has(at)) this.patch.remove(at);
    if (at === layerPath) return;
    this.#ensure(parentPath(at));
    this.patch.directory(at, from);
    this.#moveInto(layerPath, from, at);
  }

  #moveInto(layerPath: BytePath, from: string, to: BytePath): void {
    for (const name of readdirSync(bytes(from), 'latin1').sort()) {
      const [path, source, place] = [joinPath(layerPath, name), `${from}/${name}`, joinPath(to, name)];
      const stat = lstatSync(bytes(source));
      // What it hides is hidden below the layer, so that the layer's own entries stay.
      if (isWhiteout(stat)) continue;
      if (!stat.isDirectory()) this.patch.link(source, place);
      else this.#moveDirectory(path, source, place);
    }
  }

  #moveDirectory(layerPath: BytePath, from: string, to: BytePath): void {
    const parent = this.#view.resolve(parentPath(to));
    const there = typeof parent === 'string' ? undefined : this.#view.look(parent.merged, baseName(to));
    const isImplied = this.#implied.has(layerPath);
    if (isImplied && there?.kind === 'symlink') {
      this.#redirects.push({ layerPath, from, at: to });
      return;
    }
    if (isImplied && there?.kind === 'directory') this.#ensure(to);
    else this.patch.directory(to, from);
    this.#moveInto(layerPath, from, to);
  }
}

/** A file by its path; undefined when there is none, or a directory. */
function find(view: OverlayView, path: BytePath): Exclude<Seen, { kind: 'directory' }> | undefined {
  const parent = view.resolve(parentPath(path));
  const seen = typeof parent === 'string' ? undefined : view.look(parent.merged, baseName(path));
  return seen?.kind === 'directory' ? undefined : seen;
}

function isBelow(path: string, tree: string): boolean {
  return path === tree || path.startsWith(`${tree}/`);
}

function sameFile(left: string, right: string): boolean {
  const [one, other] = [lstatSync(bytes(left)), lstatSync(bytes(right))];
  return one.ino === other.ino && one.dev === other.dev;
}
