import { baseName, parentPath, type BytePath } from '../byte-path.ts';
import type { IndexedImage } from '../indexed/indexed-image.ts';
import { opaqueEntry, whiteoutEntry } from '../pack/whiteout-entry.ts';
import type { EncodedEntry } from '../tar/encode-entry.ts';
import { chooseEntries, type ChosenEntries } from './choose-entries.ts';
import { planLinks, type LinkPlan } from './link-plan.ts';
import type { NumberList } from './number-list.ts';

export interface SquashPlan {
  /** What stands first in the tar: directories and marks, each directory before what is in it. */
  readonly first: readonly EncodedEntry[];
  /** By position: where those entries start that are shown, directories left out. */
  readonly shown: ReadonlyMap<number, NumberList>;
  readonly links: LinkPlan;
}

/** Plans the one layer that those from `from` up become. Throws ERR_BOX_STORE_CORRUPT. */
export function planSquash(image: IndexedImage, from: number): SquashPlan {
  const chosen = chooseEntries(image, from);
  return { first: [...directoriesAndMarks(chosen)], shown: chosen.shown, links: planLinks(image, chosen, from) };
}

function* directoriesAndMarks({
  directories,
  whiteouts,
  opaques,
}: ChosenEntries): Generator<EncodedEntry, void, undefined> {
  const root = '' as BytePath;
  // The layers need have no entry for the root to hide all that is in it.
  if (opaques.has(root) && !directories.has(root)) yield opaqueEntry(root);
  const names = [...directories.keys(), ...whiteouts.filter((path) => !directories.has(path))].toSorted();
  for (const path of names) {
    const directory = directories.get(path);
    if (directory === undefined) {
      yield whiteoutEntry(parentPath(path), baseName(path));
      continue;
    }
    yield directory;
    if (opaques.has(path)) yield opaqueEntry(path);
  }
}
