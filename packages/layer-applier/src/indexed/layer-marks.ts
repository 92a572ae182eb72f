import { baseName, joinPath, parentPath, type BytePath } from '../byte-path.ts';
import { entryTypes, field, recordFlag } from '../layer-index/index-format.ts';
import { rawRecords, recordPath } from '../layer-index/read-index.ts';
import { nodeKind, type ImageNodes } from './image-nodes.ts';
import type { WalkedDirectory, walkImage } from './walk-image.ts';

/** Something of the layers below, and where it is in the image. */
export type HiddenNode = WalkedDirectory;

/** What a layer's marks hide, found among the nodes of the layers below. */
export interface HiddenNodes {
  /** Directories that are emptied. */
  readonly emptied: readonly HiddenNode[];
  readonly removed: readonly HiddenNode[];
}

interface Marks {
  readonly index: string;
  readonly whiteouts: readonly BytePath[];
  readonly opaques: readonly BytePath[];
}

type Walk = (path: string) => ReturnType<typeof walkImage>;

/**
 * Where a layer's marks lead, in the layers below as they were: a lower symlink on the way is followed where the layer
 * has no entry for the directory, and a mark that meets no directory below hides nothing.
 */
export function hiddenNodes({ index, whiteouts, opaques }: Marks, nodes: ImageNodes, walk: Walk): HiddenNodes {
  if (whiteouts.length + opaques.length === 0) return { emptied: [], removed: [] };
  const own = ownKinds(index, new Set([...whiteouts.map(parentPath), ...opaques].flatMap(withParents)));
  const places = new Map<BytePath, HiddenNode | undefined>();
  const placeOf = (path: BytePath): HiddenNode | undefined => {
    if (!places.has(path)) places.set(path, markedDirectory(path, own, nodes, walk));
    return places.get(path);
  };
  return {
    emptied: opaques.flatMap((path) => placeOf(path) ?? []),
    removed: whiteouts.flatMap((path) => {
      const place = placeOf(parentPath(path));
      const node = place === undefined ? -1 : nodes.find(nodes.numberOf(place.node), baseName(path));
      return place === undefined || node < 0 ? [] : { node, path: joinPath(place.path, baseName(path)) };
    }),
  };
}

type OwnKind = 'directory' | 'implied' | 'other';

/** What the layer itself has at some paths. */
function ownKinds(index: string, wanted: ReadonlySet<BytePath>): ReadonlyMap<BytePath, OwnKind> {
  const kinds = new Map<BytePath, OwnKind>();
  for (const record of rawRecords(index)) {
    const type = entryTypes[record[field.type] ?? 0];
    const flags = record[field.flags] ?? 0;
    // A hardlink to what a lower layer has comes after all else.
    if (type === 'whiteout' || type === 'opaque' || (flags & recordFlag.deferred) !== 0) continue;
    const path = recordPath(record);
    if (!wanted.has(path)) continue;
    const isImplied = (flags & recordFlag.implied) !== 0;
    kinds.set(path, type !== 'directory' ? 'other' : isImplied ? 'implied' : 'directory');
  }
  return kinds;
}

function withParents(path: BytePath): BytePath[] {
  const all: BytePath[] = [];
  for (let at = path; at !== ''; at = parentPath(at)) all.push(at);
  return all;
}

/** The directory below that one of the layer's is merged with. */
function markedDirectory(
  path: BytePath,
  own: ReadonlyMap<BytePath, OwnKind>,
  nodes: ImageNodes,
  walk: Walk,
): HiddenNode | undefined {
  let current: HiddenNode = { node: nodes.root, path: '' as BytePath };
  let done = '' as BytePath;
  for (const name of path === '' ? [] : path.split('/')) {
    done = joinPath(done, name);
    const ours = own.get(done);
    if (ours === 'other') return undefined;
    const node = nodes.find(nodes.numberOf(current.node), name);
    const at = joinPath(current.path, name);
    if (nodes.isDirectory(node)) {
      current = { node, path: at };
    } else if (node >= 0 && nodes.kindOf(node) === nodeKind.symlink && ours !== 'directory') {
      const led = walk(at);
      if (typeof led === 'string') return undefined;
      current = led;
    } else {
      return undefined;
    }
  }
  return current;
}
