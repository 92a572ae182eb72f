import { joinPath, type BytePath } from '../byte-path.ts';
import type { ImageTree } from '../queries/image-tree.ts';
import { movedDirectories } from '../queries/settled-path.ts';
import type { EncodedEntry } from '../tar/encode-entry.ts';
import { chooseEntries, type ChosenEntries } from './choose-entries.ts';
import { planLinks, type LinkPlan } from './link-plan.ts';

/** All that the layers' trees must be looked at for. Plain data: where only root of a user namespace may look, it is made there. */
export interface SquashPlan {
  /** What stands first in the tar: directories and marks, each directory before what is in it. */
  readonly first: readonly EncodedEntry[];
  /** By position: where those entries start that are shown, directories left out. */
  readonly shown: ReadonlyMap<number, Float64Array>;
  readonly links: LinkPlan;
  /** By position: directories of the layer that are elsewhere in the image, see movedDirectories. */
  readonly moved: ReadonlyMap<number, ReadonlyMap<string, BytePath>>;
}

/** Plans the one layer that those from `from` up become. */
export function planSquash(tree: ImageTree, from: number): SquashPlan {
  const chosen = chooseEntries(tree, from);
  return {
    first: [...directoriesAndMarks(chosen)],
    shown: new Map([...chosen.shown].map(([position, list]) => [position, list.values])),
    links: planLinks(tree, chosen, from),
    moved: new Map(tree.layers.map((layer) => [layer.position, movedDirectories(tree, layer).directories])),
  };
}

function* directoriesAndMarks({
  directories,
  whiteouts,
  opaques,
}: ChosenEntries): Generator<EncodedEntry, void, undefined> {
  const names = [...directories.keys(), ...whiteouts.filter((path) => !directories.has(path))].toSorted();
  for (const path of names) {
    const directory = directories.get(path);
    if (directory === undefined) {
      const slash = path.lastIndexOf('/') + 1;
      yield mark(`${path.slice(0, slash)}.wh.${path.slice(slash)}` as BytePath);
      continue;
    }
    yield directory;
    if (opaques.has(path)) yield mark(joinPath(path, '.wh..wh..opq'));
  }
}

function mark(path: BytePath): EncodedEntry {
  const mtime = { seconds: 0, nanoseconds: 0 };
  const plain = { mode: 0, uid: 0, gid: 0, size: 0, major: 0, minor: 0, xattrs: undefined };
  return { ...plain, type: 'file', path, link: '' as BytePath, mtime };
}
