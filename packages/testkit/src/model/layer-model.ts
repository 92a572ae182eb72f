import type { TarEntry } from '../tar/tar-writer.ts';
import { attributesOf, bytesText, componentsOf, emptyDirectory, ModelError } from './nodes.ts';
import type { Attributes, Directory, Leaf, Node } from './nodes.ts';
import { walk } from './walk.ts';

/** A hardlink that only a lower layer can give a target. */
export interface Deferred {
  readonly path: readonly string[];
  readonly target: readonly string[];
}

/** One layer as a change of those below it. OCI image-spec, layer.md. */
export interface LayerModel {
  readonly tree: Directory;
  /** Set when the layer has an entry for the root. */
  readonly rootAttributes: Attributes | undefined;
  readonly whiteouts: readonly (readonly string[])[];
  readonly opaques: readonly (readonly string[])[];
  readonly deferred: readonly Deferred[];
}

/** Reads the entries in their order, the last of a path wins; what hangs on lower layers is left for the merge. */
export function modelLayer(entries: readonly TarEntry[]): LayerModel {
  const tree = emptyDirectory(true);
  const marks: { readonly kind: 'whiteout' | 'opaque'; readonly path: readonly string[] }[] = [];
  let rootAttributes: Attributes | undefined;
  for (const entry of entries) {
    const path = componentsOf(entry.path);
    const mark = markOf(path);
    if (mark === 'aufs') continue;
    if (mark !== undefined) marks.push(mark);
    else if (path.length > 0) put(tree, path, entry);
    else if (entry.type === 'directory') rootAttributes = attributesOf(entry);
    else throw new ModelError('the root is no directory');
  }
  settleWaiting(tree);
  const deferred = takeWaiting(tree, []);
  const settled = marks.map(({ kind, path }) => ({ kind, path: settledMark(tree, kind, path) }));
  return {
    tree,
    rootAttributes,
    deferred: inTarOrder(entries, tree, deferred),
    whiteouts: settled.filter(({ kind }) => kind === 'whiteout').map(({ path }) => path),
    opaques: settled.filter(({ kind }) => kind === 'opaque').map(({ path }) => path),
  };
}

type Mark = { readonly kind: 'whiteout' | 'opaque'; readonly path: readonly string[] };

function markOf(path: readonly string[]): Mark | 'aufs' | undefined {
  const above = path.slice(0, -1);
  const name = path.at(-1) ?? '';
  if (above.some((one) => one.startsWith('.wh..wh.'))) return 'aufs';
  if (above.some((one) => one.startsWith('.wh.'))) throw new ModelError('an entry below a whiteout');
  if (name === '.wh..wh..opq') return { kind: 'opaque', path: above };
  if (name.startsWith('.wh..wh.')) return 'aufs';
  if (!name.startsWith('.wh.')) return undefined;
  const hidden = name.slice(4);
  if (['', '.', '..'].includes(hidden)) throw new ModelError('a whiteout that names nothing');
  return { kind: 'whiteout', path: [...above, hidden] };
}

function put(tree: Directory, path: readonly string[], entry: TarEntry): void {
  const name = path.at(-1) ?? '';
  const walked = walk(tree, path.slice(0, -1), { create: 'over' });
  const parent = walked.directory;
  if (parent === undefined) throw new ModelError('symlinks in a circle');
  const old = parent.children.get(name);
  if (entry.type === 'hardlink') {
    putHardlink(tree, [...walked.path, name], parent, componentsOf(entry.link ?? ''));
  } else if (entry.type === 'directory') {
    const directory = old?.kind === 'directory' ? old : emptyDirectory(false);
    directory.attributes = attributesOf(entry);
    directory.implied = false;
    parent.children.set(name, directory);
  } else {
    if (entry.type === 'symlink' && (entry.link ?? '').length === 0) throw new ModelError('a symlink to nowhere');
    parent.children.set(name, leafOf(entry));
  }
}

/** Targets count from the root; the last component is not followed. */
function putHardlink(tree: Directory, place: readonly string[], parent: Directory, target: readonly string[]): void {
  if (target.length === 0) throw new ModelError('a hardlink to the root');
  const name = place.at(-1) ?? '';
  const found = targetIn(tree, target);
  if (found === undefined) {
    parent.children.set(name, { kind: 'waiting', target });
    return;
  }
  if (found.node === parent.children.get(name)) return;
  const below = place.every((one, at) => found.path[at] === one);
  if (below) throw new ModelError('a hardlink to what lies below it');
  parent.children.set(name, found.node);
}

/** The file that a hardlink is to; undefined when there is none. */
export function targetIn(
  root: Directory,
  target: readonly string[],
): { readonly node: Leaf; readonly path: readonly string[] } | undefined {
  const walked = walk(root, target.slice(0, -1));
  if (walked.why === 'loop') throw new ModelError('symlinks in a circle');
  const name = target.at(-1) ?? '';
  const node = walked.directory?.children.get(name);
  if (node === undefined || node.kind === 'waiting') return undefined;
  if (node.kind === 'directory') throw new ModelError('a hardlink to a directory');
  return { node, path: [...walked.path, name] };
}

function leafOf(entry: TarEntry): Leaf {
  const { type = 'file', content = '', link = '', major = 0, minor = 0 } = entry;
  if (type === 'directory' || type === 'hardlink') throw new TypeError('not a leaf');
  return {
    kind: type,
    attributes: attributesOf(entry),
    content: Buffer.from(content),
    target: bytesText(link),
    device: `${major}:${minor}`,
  };
}

/** Gives waiting hardlinks the target that came later; again and again, as one may be the target of another. */
function settleWaiting(tree: Directory): void {
  for (let again = true; again;) {
    again = false;
    for (const { parent, name, node } of leaves(tree)) {
      if (node.kind !== 'waiting') continue;
      const found = targetIn(tree, node.target);
      if (found === undefined) continue;
      parent.children.set(name, found.node);
      again = true;
    }
  }
}

function* leaves(directory: Directory): Generator<{ parent: Directory; name: string; node: Node }> {
  for (const [name, node] of [...directory.children]) {
    yield { parent: directory, name, node };
    if (node.kind === 'directory') yield* leaves(node);
  }
}

/** Takes out of the tree what still waits. */
function takeWaiting(directory: Directory, path: readonly string[]): Deferred[] {
  return [...directory.children].flatMap(([name, node]): Deferred[] => {
    if (node.kind === 'directory') return takeWaiting(node, [...path, name]);
    if (node.kind !== 'waiting') return [];
    directory.children.delete(name);
    return [{ path: [...path, name], target: node.target }];
  });
}

/** One deferred hardlink may be the target of the next: they are made in the order of the tar. */
function inTarOrder(entries: readonly TarEntry[], tree: Directory, deferred: readonly Deferred[]): readonly Deferred[] {
  const position = ({ path }: Deferred): number =>
    entries.findLastIndex((entry) => {
      if (entry.type !== 'hardlink') return false;
      const own = componentsOf(entry.path);
      const parent = walk(tree, own.slice(0, -1));
      return [...parent.path, own.at(-1)].join('/') === path.join('/');
    });
  return deferred.toSorted((a, b) => position(a) - position(b));
}

/** A mark stands where its layer's own symlinks lead. */
function settledMark(tree: Directory, kind: Mark['kind'], path: readonly string[]): readonly string[] {
  if (kind === 'opaque') return resolved(tree, path);
  return [...resolved(tree, path.slice(0, -1)), path.at(-1) ?? ''];
}

function resolved(tree: Directory, path: readonly string[]): readonly string[] {
  const walked = walk(tree, path);
  if (walked.why === 'loop') throw new ModelError('symlinks in a circle');
  return walked.path;
}
