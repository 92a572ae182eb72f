import { baseName, parentPath, pathFromText, type BytePath } from '../byte-path.ts';
import type { Seen } from '../drivers/overlay-view.ts';
import type { ImageTree } from './image-tree.ts';

/** Something of an image, by its path without symlinks. */
export interface Found {
  readonly path: BytePath;
  readonly seen: Seen;
}

const mostSymlinks = 40;

/**
 * Finds a path as a process inside the root would: symlinks on the way are followed inside the root, and at its end
 * too unless `follow` is false. Undefined when there is nothing.
 */
export function findInImage(tree: ImageTree, text: string, { follow = true } = {}): Found | undefined {
  let path = withoutSlashes(text);
  for (let hops = 0; hops <= mostSymlinks; hops += 1) {
    if (path === '') return { path, seen: { kind: 'directory', merged: tree.view.root.merged } };
    const name = baseName(path);
    const parent = tree.view.resolve(name === '..' ? path : parentPath(path));
    if (typeof parent === 'string') return undefined;
    if (name === '..' || name === '.') return { path: parent.path, seen: { kind: 'directory', merged: parent.merged } };
    const seen = tree.view.look(parent.merged, name);
    if (seen === undefined) return undefined;
    const found = { path: (parent.path === '' ? name : `${parent.path}/${name}`) as BytePath, seen };
    if (seen.kind !== 'symlink' || !follow) return found;
    path = withoutSlashes(seen.target.startsWith('/') ? seen.target : `${parent.path}/${seen.target}`, 'latin1');
  }
  return undefined;
}

function withoutSlashes(text: string, encoding: 'utf8' | 'latin1' = 'utf8'): BytePath {
  const parts = text.split('/').filter((part) => part !== '' && part !== '.');
  return encoding === 'utf8' ? pathFromText(parts.join('/')) : (parts.join('/') as BytePath);
}
