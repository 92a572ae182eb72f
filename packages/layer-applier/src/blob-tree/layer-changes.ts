import { baseName, parentPath, type BytePath } from '../byte-path.ts';
import { invalid } from '../extract/layer-error.ts';
import type { DeferredHardlink } from '../staged-layer.ts';
import { readEntryList, type EntryList, type ListedEntry } from './entry-list.ts';
import { newDirectory, walkNodes, type DirectoryNode, type TreeNode } from './nodes.ts';

/** What one layer has, and what it hides of those below; as StagedLayer says it, in memory. */
export interface LayerChanges {
  readonly tree: DirectoryNode;
  readonly whiteouts: readonly BytePath[];
  readonly opaques: readonly BytePath[];
  readonly deferredHardlinks: readonly DeferredHardlink[];
}

/** Puts a layer's entries together in the order of its tar; see readEntryList for `consume`. Throws ERR_BOX_LAYER_INVALID. */
export function layerChanges(
  list: EntryList,
  layer: number,
  options: { readonly consume?: boolean } = {},
): LayerChanges {
  const builder = new ChangesBuilder(layer);
  for (const entry of readEntryList(list, options)) builder.add(entry);
  return builder.finish();
}

class ChangesBuilder {
  readonly #layer: number;
  readonly #tree = newDirectory(true);
  readonly #aside = new Map<BytePath, TreeNode>();
  readonly #whiteouts = new Set<BytePath>();
  readonly #opaques = new Set<BytePath>();
  /** Where hardlinks wait, in the order of the tar. */
  readonly #late = new Map<BytePath, { readonly parent: DirectoryNode; readonly node: TreeNode }>();

  constructor(layer: number) {
    this.#layer = layer;
  }

  add(entry: ListedEntry): void {
    const { type, path } = entry;
    if (type === 'whiteout') this.#whiteouts.add(path);
    else if (type === 'opaque') this.#opaques.add(path);
    else if (type === 'aside') this.#aside.set(path, this.#leaf(entry));
    else if (path !== '') this.#put(entry);
  }

  finish(): LayerChanges {
    this.#settleLate();
    const settle = (path: BytePath): BytePath => this.#walked(path).path.join('/') as BytePath;
    const settleName = (path: BytePath): BytePath => join(settle(parentPath(path)), baseName(path));
    const waiting = [...this.#late].filter(([path, { parent, node }]) => parent.children.get(baseName(path)) === node);
    const deferredHardlinks = waiting.flatMap(([path, { parent, node }]) => {
      parent.children.delete(baseName(path));
      return node.kind === 'late' && this.#isReached(path, parent) ? [{ path, target: node.target }] : [];
    });
    return {
      tree: this.#tree,
      deferredHardlinks,
      whiteouts: [...new Set([...this.#whiteouts].map(settleName))],
      opaques: [...new Set([...this.#opaques].map(settle))],
    };
  }

  #put(entry: ListedEntry): void {
    const walk = this.#walked(parentPath(entry.path), { replace: true });
    const name = ownText(baseName(entry.path));
    const parent = walk.directory;
    if (parent === undefined) throw invalid('symlinks on the way to it form a loop');
    const { children } = parent;
    if (entry.type === 'directory') {
      const old = children.get(name);
      const directory = old?.kind === 'directory' ? old : newDirectory(false);
      directory.implied = false;
      children.set(name, directory);
    } else if (entry.type === 'hardlink') {
      this.#link([...walk.path, name], parent, entry.link);
    } else {
      children.set(name, this.#leaf(entry));
    }
  }

  #link(place: readonly string[], parent: DirectoryNode, target: BytePath): void {
    const name = place.at(-1) ?? '';
    const kept = this.#aside.get(target);
    const found = kept === undefined ? this.#target(target) : { node: kept, path: [] };
    if (found !== undefined) {
      const isBelow = kept === undefined && place.every((one, at) => found.path[at] === one);
      if (isBelow && found.path.length > place.length)
        throw invalid('it is a hardlink to something that lies below itself');
      parent.children.set(name, found.node);
      return;
    }
    const node: TreeNode = { kind: 'late', target };
    const path = place.join('/') as BytePath;
    parent.children.set(name, node);
    // The order is that of the last entry at the path.
    this.#late.delete(path);
    this.#late.set(path, { parent, node });
  }

  #target(target: BytePath): { readonly node: TreeNode; readonly path: readonly string[] } | undefined {
    const walk = this.#walked(parentPath(target));
    const node = walk.directory?.children.get(baseName(target));
    if (node === undefined || node.kind === 'late') return undefined;
    if (node.kind === 'directory') throw invalid('it is a hardlink to a directory');
    return { node, path: [...walk.path, baseName(target)] };
  }

  /** One may be the target of another: as long as one is settled, the others are tried again. */
  #settleLate(): void {
    for (let settled = -1; settled !== 0;) {
      settled = 0;
      for (const [path, { parent, node }] of this.#late) {
        if (node.kind !== 'late' || parent.children.get(baseName(path)) !== node) continue;
        const found = this.#target(node.target);
        if (found === undefined) continue;
        parent.children.set(baseName(path), found.node);
        settled += 1;
      }
    }
  }

  /** Whether the directory is still in the tree: one above it may have been replaced. */
  #isReached(path: BytePath, parent: DirectoryNode): boolean {
    let node: TreeNode | undefined = this.#tree;
    for (const name of path.split('/').slice(0, -1))
      node = node?.kind === 'directory' ? node.children.get(name) : undefined;
    return node === parent;
  }

  #walked(path: BytePath, options: { readonly replace?: boolean } = {}): ReturnType<typeof walkNodes> {
    const walk = walkNodes(this.#tree, path, options);
    if (walk.directory === undefined && walk.why === 'loop') throw invalid('symlinks on the way to it form a loop');
    return walk;
  }

  #leaf({ type, link, offset, size, segments }: ListedEntry): TreeNode {
    if (type === 'symlink') return { kind: 'symlink', target: link };
    if (type === 'other') return { kind: 'other' };
    return { kind: 'file', layer: this.#layer, offset, size, segments };
  }
}

/** A part of a string keeps all of it in memory. */
function ownText(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

function join(parent: string, name: string): BytePath {
  return (parent === '' ? name : `${parent}/${name}`) as BytePath;
}
