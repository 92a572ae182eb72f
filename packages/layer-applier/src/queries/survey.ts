import { joinPath, parentPath, type BytePath } from '../byte-path.ts';
import type { LayerEntry } from '../layer-index/layer-entry.ts';
import { readIndex } from '../layer-index/read-index.ts';
import { ownTree, statOf, type ImageTree, type TreeLayer } from './image-tree.ts';
import { PathTable, pathFlag } from './path-table.ts';
import { hiddenByMarks, movedDirectories } from './settled-path.ts';

/** One entry of one layer, and what the layers above it make of it. */
export interface SurveyedEntry {
  readonly layer: TreeLayer;
  readonly entry: LayerEntry;
  /** Where it is in the image. */
  readonly path: BytePath;
  /** Whether the image shows it. A directory is shown however many layers have it; `over` tells of the others. */
  readonly shown: boolean;
  /** What the nearest layer above that has to do with the path does: replaces it, deletes it, or, of a directory, has it too. */
  readonly met: { readonly position: number; readonly how: 'replaced' | 'deleted' | 'merged' } | undefined;
}

/**
 * Every entry of every layer, from the topmost layer down, in the order of each layer's tar. Reads the indexes in pieces
 * and keeps a fingerprint of each path: some 20 bytes an entry, however long its path is.
 */
export function* survey(tree: ImageTree): Generator<SurveyedEntry, void, undefined> {
  const table = new PathTable();
  const implied = new Map<BytePath, SurveyedEntry>();
  for (const layer of tree.layers.toSorted((a, b) => b.position - a.position)) {
    const { position } = layer;
    const moved = movedDirectories(tree, layer);
    const settle = (path: BytePath): BytePath => moved.settle(path);
    const above = ancestors(table, position);
    const own = ownTree(layer);
    for (const entry of readIndex(layer.index)) {
      if (entry.type === 'whiteout' || entry.type === 'opaque') continue;
      const path = settle(entry.path);
      const isDirectory = entry.type === 'directory';
      const surveyed = { layer, entry, path, ...judge(table, path, isDirectory, above(path), position) };
      if (entry.implied) {
        // One that only marks are in is nowhere.
        if (own !== undefined && statOf(`${own}/${entry.path}`)?.isDirectory() !== true) continue;
        if (settle(joinPath(entry.path, 'x')) !== joinPath(path, 'x')) continue;
        if (surveyed.shown && !implied.has(path)) implied.set(path, surveyed);
        table.imply(table.add(path), position);
        continue;
      }
      yield surveyed;
      table.claim(table.add(path), position, isDirectory ? pathFlag.directory : pathFlag.hidden);
    }
    // A layer's whiteouts spare its own entries, so they count for those below only.
    const { whiteouts, opaques } = hiddenByMarks(tree, layer);
    for (const path of whiteouts) table.hide(table.add(path), position, pathFlag.hidden);
    for (const path of opaques) table.hide(table.add(path), position, pathFlag.hiddenBelow);
  }
  // Directories that no layer has an entry for.
  for (const entry of implied.values()) {
    const slot = table.find(entry.path);
    if ((table.flagsOf(slot) & pathFlag.directory) === 0) yield { ...entry, met: undefined };
  }
}

/** The entries that the image shows, implied directories last; of a directory that several layers have, the topmost's. */
export function* shownEntries(tree: ImageTree): Generator<SurveyedEntry, void, undefined> {
  for (const entry of survey(tree)) if (entry.shown && entry.met === undefined) yield entry;
}

function judge(
  table: PathTable,
  path: string,
  isDirectory: boolean,
  hiddenBy: number,
  own: number,
): Pick<SurveyedEntry, 'shown' | 'met'> {
  const slot = table.find(path);
  const flags = slot < 0 ? 0 : table.flagsOf(slot);
  const claim = slot < 0 ? -1 : table.claimOf(slot);
  // The same path again, earlier in this layer's tar.
  if (claim === own) return { shown: false, met: { position: own, how: 'replaced' } };
  const hide = nearest(hiddenBy, (flags & pathFlag.hidden) === 0 ? -1 : table.hideOf(slot));
  const over = pathFlag.directory | pathFlag.implied;
  const replaced = (flags & pathFlag.hidden) !== 0 || (!isDirectory && (flags & over) !== 0);
  const shown = hiddenBy < 0 && !replaced;
  if (replaced && claim < 0 && hide < 0) return { shown, met: { position: table.hideOf(slot), how: 'replaced' } };
  if (hide >= 0 && (claim < 0 || hide < claim)) return { shown, met: { position: hide, how: 'deleted' } };
  if (claim < 0) return { shown, met: undefined };
  const both = isDirectory && hide !== claim;
  return { shown, met: { position: claim, how: both ? 'merged' : 'replaced' } };
}

/** The nearest layer above that hides what is below a directory. Entries of one directory come together: it is looked up once. */
function ancestors(table: PathTable, own: number): (path: BytePath) => number {
  let last: BytePath | undefined;
  let answer = -1;
  return (path) => {
    if (path === '') return -1;
    const parent = parentPath(path);
    if (parent === last) return answer;
    last = parent;
    answer = -1;
    for (let at = parent; ; at = parentPath(at)) {
      const slot = table.find(at);
      const hides = slot >= 0 && (table.flagsOf(slot) & (pathFlag.hidden | pathFlag.hiddenBelow)) !== 0;
      // What this very layer replaced (a file, then a directory of the same name) is no matter.
      if (hides && table.hideOf(slot) !== own) answer = nearest(answer, table.hideOf(slot));
      if (at === '') return answer;
    }
  };
}

/** Layers above have higher positions: the lower of two is the nearer. */
function nearest(a: number, b: number): number {
  if (a < 0) return b;
  return b < 0 ? a : Math.min(a, b);
}
