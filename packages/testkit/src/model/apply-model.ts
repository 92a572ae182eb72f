import { createHash } from 'node:crypto';
import type { TarEntry } from '../tar/tar-writer.ts';
import type { Tree, TreeEntry } from '../tree/read-tree.ts';
import { modelLayer } from './layer-model.ts';
import { mergeModel } from './merge-model.ts';
import { emptyDirectory, ModelError, type Attributes, type Directory, type Leaf, type Node } from './nodes.ts';

/**
 * What a stack of layers must look like when it is applied: a slow model in memory, without a file system, that follows
 * the rules of the image-spec's layer.md one by one. Undefined when a layer breaks a rule, so that applying it must fail. Times of
 * directories that have no entry are not in it: no rule says them.
 */
export function applyModel(layers: readonly (readonly TarEntry[])[]): ModelTree | undefined {
  const root = emptyDirectory(true);
  try {
    for (const entries of layers) mergeModel(root, modelLayer(entries));
  } catch (error) {
    if (error instanceof ModelError) return undefined;
    throw error;
  }
  return describe(root);
}

/** As readTree gives it; `mtime` is empty where no rule says it. */
export type ModelTree = Tree;

function describe(root: Directory): ModelTree {
  const names = new Map<Leaf, string[]>();
  const tree = new Map<string, TreeEntry>();
  const visit = (node: Node, path: string): void => {
    if (node.kind === 'waiting') throw new Error('unreachable: all hardlinks are settled');
    if (node.kind !== 'directory') {
      names.set(node, [...(names.get(node) ?? []), path]);
      tree.set(path, leafEntry(node));
      return;
    }
    tree.set(path, { type: 'directory', ...common(node.attributes) });
    for (const name of [...node.children.keys()].toSorted()) {
      const child = node.children.get(name);
      if (child !== undefined) visit(child, path === '.' ? name : `${path}/${name}`);
    }
  };
  visit(root, '.');
  for (const paths of names.values()) {
    if (paths.length < 2) continue;
    for (const path of paths) tree.set(path, { ...(tree.get(path) as TreeEntry), sameAs: paths[0] ?? '' });
  }
  return tree;
}

function common({ mode, uid, gid, mtime, xattrs }: Attributes): Omit<TreeEntry, 'type'> {
  const sorted = Object.fromEntries(Object.entries(xattrs).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return {
    mode: mode.toString(8).padStart(4, '0'),
    owner: `${uid}:${gid}`,
    mtime: mtime === undefined ? '' : String(mtime),
    xattrs: sorted,
  };
}

function leafEntry({ kind, attributes, content, target, device }: Leaf): TreeEntry {
  const entry = { type: kind, ...common(attributes) };
  // A symlink has no mode of its own.
  if (kind === 'symlink') return { ...entry, mode: '0777', link: target };
  if (kind === 'char' || kind === 'block') return { ...entry, device };
  if (kind === 'fifo') return entry;
  return { ...entry, size: String(content.length), content: createHash('sha256').update(content).digest('hex') };
}
