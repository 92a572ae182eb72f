import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { BoxError } from '@boxkit/contracts';
import { layerSummary } from '@boxkit/layer-applier';
import type { ImageTree } from '@boxkit/layer-applier';
import { noSuchPath } from './entries.ts';
import type { TreeLine } from './image-look.ts';
import { line, noDirectory, text8 } from './walk.ts';

export interface LayerWalk {
  readonly layer: number;
  readonly depth: number;
}

/** What one layer holds and hides, by the tree that the store keeps of it and the whiteouts that its index lists. */
export function* walkLayer(
  tree: ImageTree,
  text: string,
  { layer: position, depth }: LayerWalk,
): Generator<TreeLine, void, undefined> {
  const layer = tree.layers.find((one) => one.position === position);
  if (layer === undefined) {
    throw new BoxError('ERR_BOX_USAGE', `cannot show layer ${position}: the image has ${tree.layers.length}`, {
      hint: 'Layers count from 0 for the lowest; `box layers` lists them.',
    });
  }
  const own = `${layer.directory}/tree`;
  const { whiteouts, opaques } = layerSummary(layer);
  const hidden = namesByParent([...whiteouts, ...opaques]);
  const [whiteoutSet, opaqueSet] = [new Set<string>(whiteouts), new Set<string>(opaques)];
  const parts = Buffer.from(text)
    .toString('latin1')
    .split('/')
    .filter((part) => part !== '' && part !== '.');
  // Nothing of a layer is followed: a symlink in it could lead out of the store.
  for (let length = 1; length <= parts.length; length += 1) {
    const path = parts.slice(0, length).join('/');
    const stats = statOf(own, path);
    if (parts.includes('..') || (stats === undefined && !hidden.has(path))) throw noSuchPath(text);
    if (stats?.isDirectory() === false) throw noDirectory(text);
  }
  yield* below(parts.join('/'), 1);

  function* below(parent: string, level: number): Generator<TreeLine, void, undefined> {
    if (level > depth) return;
    const names = namesIn(own, parent, hidden.get(parent));
    for (const [at, name] of names.entries()) {
      const path = parent === '' ? name : `${parent}/${name}`;
      const stats = statOf(own, path);
      const opaque = opaqueSet.has(path) ? { opaque: true } : {};
      yield {
        ...line(path, name, level, at === names.length - 1),
        ...describe(own, path, stats),
        ...(stats === undefined && whiteoutSet.has(path) ? { type: 'whiteout' } : opaque),
        layer: position,
      };
      if (stats?.isDirectory() === true || (stats === undefined && hidden.has(path))) yield* below(path, level + 1);
    }
  }
}

/** For each directory the names of what is hidden in it, and of the directories on the way there. */
function namesByParent(paths: readonly string[]): ReadonlyMap<string, ReadonlySet<string>> {
  const names = new Map<string, Set<string>>();
  for (const path of paths) {
    for (let child = path; child !== '';) {
      const slash = child.lastIndexOf('/');
      const parent = slash < 0 ? '' : child.slice(0, slash);
      const siblings = names.get(parent) ?? new Set();
      names.set(parent, siblings.add(child.slice(slash + 1)));
      child = parent;
    }
  }
  return names;
}

function namesIn(own: string, parent: string, hidden: ReadonlySet<string> = new Set()): readonly string[] {
  const stats = statOf(own, parent);
  const there = stats === undefined ? [] : readdirSync(buffer(parent === '' ? own : `${own}/${parent}`), 'latin1');
  return [...new Set([...there, ...hidden])].toSorted();
}

/** What the layer has at a path; a whiteout as overlayfs keeps it is nothing. */
function statOf(own: string, path: string): Stats | undefined {
  const stats = lstatSync(buffer(path === '' ? own : `${own}/${path}`), { throwIfNoEntry: false });
  return stats?.isCharacterDevice() === true && stats.rdev === 0 ? undefined : stats;
}

function describe(own: string, path: string, stats: Stats | undefined): Pick<TreeLine, 'type' | 'size' | 'link'> {
  if (stats === undefined || stats.isDirectory()) return { type: 'directory', size: 0 };
  if (stats.isSymbolicLink()) {
    return { type: 'symlink', size: 0, link: text8(readlinkSync(buffer(`${own}/${path}`), 'latin1')) };
  }
  return stats.isFile() ? { type: 'file', size: stats.size } : { type: 'other', size: 0 };
}

function buffer(latin1: string): Buffer {
  return Buffer.from(latin1, 'latin1');
}
