import { BoxError } from '@boxkit/contracts';
import { IndexedImage, joinPath, pathFromText, readStagedLayer } from '@boxkit/layer-applier';
import type { BytePath } from '@boxkit/layer-applier';
import { noSuchPath } from './entries.ts';
import type { TreeLine } from './image-look.ts';
import { describe, line, noDirectory } from './walk.ts';

export interface LayerWalk {
  readonly layer: number;
  readonly depth: number;
}

/** What one layer holds and hides, by its index. Symlinks in it are not followed. */
export function* walkLayer(
  image: Pick<IndexedImage, 'layers'>,
  text: string,
  { layer: position, depth }: LayerWalk,
): Generator<TreeLine, void, undefined> {
  const layer = image.layers[position];
  if (layer === undefined) {
    throw new BoxError('ERR_BOX_USAGE', `cannot show layer ${position}: the image has ${image.layers.length}`, {
      hint: 'Layers count from 0 for the lowest; `box layers` lists them.',
    });
  }
  const own = new IndexedImage([{ ...layer, position: 0 }], { alone: true });
  const { whiteouts, opaques } = readStagedLayer(layer.layer, layer.directory);
  const hidden = namesByParent([...whiteouts, ...opaques]);
  const [whiteoutSet, opaqueSet] = [new Set<string>(whiteouts), new Set<string>(opaques)];
  const start = requireDirectory();
  yield* below(start.path, start.node, 1);

  function requireDirectory(): { readonly path: BytePath; readonly node: number | undefined } {
    let [path, node] = ['' as BytePath, own.find('/')?.node];
    for (const name of pathFromText(text).split('/')) {
      if (name === '' || name === '.') continue;
      const found = node === undefined ? undefined : own.at({ node, path }, name);
      path = joinPath(path, name);
      if (found === undefined && !hidden.has(path)) throw noSuchPath(text);
      if (found !== undefined && found.kind !== 'directory') throw noDirectory(text);
      node = found?.node;
    }
    return { path, node };
  }

  function* below(parent: BytePath, node: number | undefined, level: number): Generator<TreeLine, void, undefined> {
    if (level > depth) return;
    const there = new Map(
      node === undefined ? [] : Array.from(own.list({ node, path: parent }), (one) => [one.name, one]),
    );
    const names = [...new Set([...there.keys(), ...(hidden.get(parent) ?? [])])].toSorted();
    for (const [at, name] of names.entries()) {
      const path = joinPath(parent, name);
      const found = there.get(name);
      const opaque = opaqueSet.has(path) ? { opaque: true } : {};
      yield {
        ...line(path, name, level, at === names.length - 1),
        ...(found === undefined ? { type: 'directory', size: 0 } : describe(own, found)),
        ...(found === undefined && whiteoutSet.has(path) ? { type: 'whiteout' } : opaque),
        layer: position,
      };
      const isDirectory = found === undefined ? hidden.has(path) : found.kind === 'directory';
      if (isDirectory) yield* below(path, found?.node, level + 1);
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
