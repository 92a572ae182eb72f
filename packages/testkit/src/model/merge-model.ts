import { targetIn, type LayerModel } from './layer-model.ts';
import { ModelError, type Directory, type Leaf, type Node } from './nodes.ts';
import { walk } from './walk.ts';

/** A directory of the layer that has no entry, where the root has a symlink. */
interface Redirect {
  readonly from: Directory;
  readonly path: readonly string[];
  readonly symlink: { readonly parent: Directory; readonly name: string; readonly path: readonly string[] };
}

/** Puts one layer upon the tree that those below it make; `root` is changed. */
export function mergeModel(root: Directory, layer: LayerModel): void {
  const held = layer.deferred.map(({ target }) => lowerTarget(root, target));
  // Each mark is found as if it were the only one: one may hide the very symlink that leads to another.
  const opaques = layer.opaques.map((path) => locate(root, layer.tree, path));
  const whiteouts = layer.whiteouts.map((path) => [locate(root, layer.tree, path.slice(0, -1)), path.at(-1)] as const);
  for (const directory of opaques) directory?.children.clear();
  for (const [directory, name = ''] of whiteouts) directory?.children.delete(name);
  if (layer.rootAttributes !== undefined) root.attributes = layer.rootAttributes;
  const redirects: Redirect[] = [];
  mergeDirectory(layer.tree, root, { path: [], rootPath: [], redirects });
  settleRedirects(root, redirects);
  for (const [position, { path, target }] of layer.deferred.entries()) {
    const node = held[position] ?? targetIn(root, target)?.node;
    const parent = walk(root, path.slice(0, -1), { create: 'missing' }).directory;
    if (node === undefined || parent === undefined) throw new ModelError('a hardlink to nowhere');
    parent.children.set(path.at(-1) ?? '', node);
  }
}

/** What a hardlink names is the lower layers' file, as it was before anything of this layer came in. */
function lowerTarget(root: Directory, target: readonly string[]): Leaf | undefined {
  const { directory } = walk(root, target.slice(0, -1));
  const node = directory?.children.get(target.at(-1) ?? '');
  return node === undefined || node.kind === 'directory' || node.kind === 'waiting' ? undefined : node;
}

/**
 * The root's directory that a directory of the layer is merged with, so that a mark hides what is in it. Where the layer
 * has an entry for a directory a lower symlink is not followed: it is replaced.
 */
function locate(root: Directory, tree: Directory, path: readonly string[]): Directory | undefined {
  let own: Node | undefined = tree;
  let at: readonly string[] = [];
  let current: Directory = root;
  for (const name of path) {
    own = own?.kind === 'directory' ? own.children.get(name) : undefined;
    if (own !== undefined && own.kind !== 'directory') return undefined;
    const node = current.children.get(name);
    const mayFollow = own === undefined || own.implied;
    if (node?.kind === 'directory') {
      current = node;
      at = [...at, name];
    } else if (node?.kind === 'symlink' && mayFollow) {
      const walked = walk(root, [...at, name]);
      if (walked.directory === undefined) return undefined;
      current = walked.directory;
      at = walked.path;
    } else {
      return undefined;
    }
  }
  return current;
}

interface Place {
  readonly path: readonly string[];
  readonly rootPath: readonly string[];
  readonly redirects: Redirect[];
}

function mergeDirectory(from: Directory, to: Directory, { path, rootPath, redirects }: Place): void {
  for (const [name, ours] of from.children) {
    const theirs = to.children.get(name);
    const place = { path: [...path, name], rootPath: [...rootPath, name], redirects };
    if (ours.kind === 'directory' && theirs?.kind === 'directory') {
      // Directory over directory: the children stay, the attributes are the upper one's if it has an entry.
      if (!ours.implied) theirs.attributes = ours.attributes;
      mergeDirectory(ours, theirs, place);
    } else if (ours.kind === 'directory' && ours.implied && theirs?.kind === 'symlink') {
      redirects.push({ from: ours, path: place.path, symlink: { parent: to, name, path: place.rootPath } });
    } else {
      to.children.set(name, ours);
    }
  }
}

/** After all else of the layer, in the order of the paths; settling one may find others. */
function settleRedirects(root: Directory, redirects: Redirect[]): void {
  const key = ({ path }: Redirect): string => path.join('/');
  while (redirects.length > 0) {
    redirects.sort((a, b) => (key(a) < key(b) ? 1 : -1));
    const redirect = redirects.pop();
    if (redirect === undefined) return;
    const { from, symlink, path } = redirect;
    const { directory, path: rootPath } = walk(root, symlink.path, { create: 'missing' });
    if (directory === undefined) symlink.parent.children.set(symlink.name, from);
    else mergeDirectory(from, directory, { path, rootPath, redirects });
  }
}
