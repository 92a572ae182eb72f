import type { Layer } from '@boxkit/contracts';
import { baseName, parentPath, type BytePath } from '../byte-path.ts';
import { missingTarget } from '../merge/link-deferred.ts';
import type { LayerChanges } from './layer-changes.ts';
import { walkNodes, type DirectoryNode, type TreeNode } from './nodes.ts';

/** A directory that the layer only implies, where the root has a symlink: settled when all else of the layer is in place. */
interface Redirect {
  readonly from: DirectoryNode;
  readonly path: string;
  readonly parent: DirectoryNode;
  readonly symlink: string;
}

/** Puts a layer's changes upon the root, by the rules of mergeLayer. Throws ERR_BOX_LAYER_INVALID for a hardlink to nowhere. */
export function mergeChanges(root: DirectoryNode, layer: Layer, changes: LayerChanges): void {
  const { tree, opaques, whiteouts, deferredHardlinks } = changes;
  const held = deferredHardlinks.map(({ target }) => leafAt(root, target));
  for (const path of [...opaques].sort()) directoryBelow(root, tree, path)?.children.clear();
  for (const path of [...whiteouts].sort())
    directoryBelow(root, tree, parentPath(path))?.children.delete(baseName(path));
  const redirects: Redirect[] = [];
  mergeInto(tree, root, { path: '', place: '', redirects });
  for (let next = redirects.pop(); next !== undefined; next = redirects.pop()) {
    settle(root, next, redirects);
    redirects.sort((a, b) => (a.path < b.path ? 1 : -1));
  }
  for (const [position, { path, target }] of deferredHardlinks.entries()) {
    const node = held[position] ?? leafAt(root, target);
    const { directory } = walkNodes(root, parentPath(path), { create: true });
    if (node === undefined || directory === undefined) throw missingTarget(layer, path, target);
    directory.children.set(baseName(path), node);
  }
}

function leafAt(root: DirectoryNode, path: BytePath): TreeNode | undefined {
  const node = walkNodes(root, parentPath(path)).directory?.children.get(baseName(path));
  return node === undefined || node.kind === 'directory' || node.kind === 'late' ? undefined : node;
}

/** The root's directory that one of the layer's is merged with; a symlink is followed where the layer has no entry. */
function directoryBelow(root: DirectoryNode, tree: DirectoryNode, path: BytePath): DirectoryNode | undefined {
  let own: TreeNode | undefined = tree;
  let [current, place] = [root, ''];
  for (const name of path === '' ? [] : path.split('/')) {
    own = own?.kind === 'directory' ? own.children.get(name) : undefined;
    if (own !== undefined && own.kind !== 'directory') return undefined;
    const node = current.children.get(name);
    const at = place === '' ? name : `${place}/${name}`;
    if (node?.kind === 'symlink' && (own === undefined || own.implied)) {
      const walk = walkNodes(root, at);
      if (walk.directory === undefined) return undefined;
      [current, place] = [walk.directory, walk.path.join('/')];
    } else if (node?.kind === 'directory') {
      [current, place] = [node, at];
    } else {
      return undefined;
    }
  }
  return current;
}

interface Place {
  /** In the layer. */
  readonly path: string;
  /** In the root. */
  readonly place: string;
  readonly redirects: Redirect[];
}

function mergeInto(from: DirectoryNode, to: DirectoryNode, { path, place, redirects }: Place): void {
  for (const [name, ours] of from.children) {
    const theirs = to.children.get(name);
    const next = { path: `${path}/${name}`, place: `${place}/${name}`, redirects };
    if (ours.kind !== 'directory' || theirs === undefined) to.children.set(name, ours);
    else if (theirs.kind === 'directory') mergeInto(ours, theirs, next);
    else if (theirs.kind === 'symlink' && ours.implied) {
      redirects.push({ from: ours, path: next.path, parent: to, symlink: next.place });
    } else to.children.set(name, ours);
  }
  redirects.sort((a, b) => (a.path < b.path ? 1 : -1));
}

function settle(root: DirectoryNode, { from, path, parent, symlink }: Redirect, redirects: Redirect[]): void {
  const walk = walkNodes(root, symlink, { create: true });
  if (walk.directory === undefined) parent.children.set(baseName(symlink as BytePath), from);
  else mergeInto(from, walk.directory, { path, place: walk.path.join('/'), redirects });
}
