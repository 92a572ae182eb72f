import { lstatSync } from 'node:fs';
import type { BytePath } from '../byte-path.ts';
import { bytes, type OverlayView } from '../drivers/overlay-view.ts';
import type { LayerEntry } from '../layer-index/layer-entry.ts';
import { readIndex } from '../layer-index/read-index.ts';
import type { ImageTree, TreeLayer } from '../queries/image-tree.ts';
import { lowerView, movedDirectories } from '../queries/settled-path.ts';
import { settledLook } from './plain-look.ts';

/**
 * An entry with content that hardlinks lead to: the layer, and where in its tar the entry starts. Negative for one that the
 * index no longer has: it tells such entries of a layer apart.
 */
export interface Inode {
  readonly position: number;
  readonly offset: number;
}

/** What a hardlink leads to. */
export interface LinkTarget extends Inode {
  /** Its own name in the image. */
  readonly path: BytePath;
  /** The name in lower layers that the link gave, and the file that they show there: it may be a further link. */
  readonly via?: { readonly path: BytePath; readonly place: string };
}

/**
 * Finds for hardlinks which entry has their content, however many links lie between, and in which layer: a link may lead
 * to a file of a lower one. Holds the links of the layers, and where their targets are.
 */
export class HardLinks {
  readonly #tree: ImageTree;
  readonly #layers = new Map<number, LayerLinks>();
  readonly #views = new Map<number, OverlayView>();

  constructor(tree: ImageTree) {
    this.#tree = tree;
  }

  /** Undefined when no layer has the target. */
  targetOf(layer: TreeLayer, entry: LayerEntry): LinkTarget | undefined {
    if (entry.deferred) return this.#below(layer, entry.link);
    const target = this.#within(layer, entry.link, entry.path);
    const inode = inodeOf(layer, entry.path);
    // A later entry of the layer took the target's path: what the link leads to is in the tar, and in no index.
    const isLost = target === undefined || (target.position === layer.position && inodeOf(layer, entry.link) !== inode);
    return isLost && inode !== undefined ? { position: layer.position, offset: -inode, path: entry.path } : target;
  }

  /** The entry of a layer's own at a path, or what that links to. */
  #within(layer: TreeLayer, path: BytePath, from?: BytePath): LinkTarget | undefined {
    const { links, targets } = this.#linksOf(layer);
    const passed = new Set<BytePath>(from === undefined ? [] : [from]);
    for (let at = path; !passed.has(at);) {
      passed.add(at);
      const link = links.get(at);
      if (link === undefined) {
        // What was not asked for when the links were read is linked to from another layer.
        const offset = targets.get(at) ?? findEntry(layer, at)?.offset;
        if (offset === undefined) return undefined;
        return { position: layer.position, offset, path: movedDirectories(this.#tree, layer).settle(at) };
      }
      if (link.deferred) return this.#below(layer, link.link);
      at = link.link;
    }
    return undefined;
  }

  #below(layer: TreeLayer, link: BytePath): LinkTarget | undefined {
    const found = settledLook(this.#viewBelow(layer), link);
    if (found === undefined || found.seen.kind === 'directory') return undefined;
    const place = found.seen.path;
    const owner = this.#tree.layers.find(({ directory }) => place.startsWith(`${directory}/`));
    if (owner === undefined) return undefined;
    // In a patch the path is the image's; in a layer's own tree it is the layer's.
    const own = `${owner.directory}/tree/`;
    const path = place.startsWith(own) ? (place.slice(own.length) as BytePath) : found.path;
    const target = this.#within(owner, path);
    return target === undefined ? undefined : { ...target, via: { path: found.path, place } };
  }

  #viewBelow(layer: TreeLayer): OverlayView {
    const known = this.#views.get(layer.position) ?? lowerView(this.#tree, layer);
    this.#views.set(layer.position, known);
    return known;
  }

  #linksOf(layer: TreeLayer): LayerLinks {
    const known = this.#layers.get(layer.position);
    if (known !== undefined) return known;
    const read = readLinks(layer);
    this.#layers.set(layer.position, read);
    return read;
  }
}

/** Which of a layer's entries are one file, as its extracted tree has it; undefined where that could not be made. */
function inodeOf({ directory }: TreeLayer, path: BytePath): number | undefined {
  try {
    return lstatSync(bytes(`${directory}/tree/${path}`), { throwIfNoEntry: false })?.ino;
  } catch {
    return undefined;
  }
}

interface LayerLinks {
  readonly links: ReadonlyMap<BytePath, { readonly link: BytePath; readonly deferred: boolean }>;
  /** Where the entries start that links lead to. */
  readonly targets: ReadonlyMap<BytePath, number>;
}

function readLinks({ index }: TreeLayer): LayerLinks {
  const links = new Map<BytePath, { link: BytePath; deferred: boolean }>();
  const wanted = new Set<BytePath>();
  for (const { type, path, link, deferred } of readIndex(index)) {
    if (type !== 'hardlink') continue;
    links.set(path, { link, deferred });
    if (!deferred) wanted.add(link);
  }
  const targets = new Map<BytePath, number>();
  if (wanted.size === 0) return { links, targets };
  for (const { type, path, offset } of readIndex(index)) {
    if (type !== 'hardlink' && wanted.has(path)) targets.set(path, offset);
  }
  return { links, targets };
}

function findEntry({ index }: TreeLayer, path: BytePath): LayerEntry | undefined {
  for (const entry of readIndex(index)) {
    if (entry.path === path && entry.type !== 'whiteout' && entry.type !== 'opaque' && !entry.implied) return entry;
  }
  return undefined;
}
