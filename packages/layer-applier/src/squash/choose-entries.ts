import { parentPath, type BytePath } from '../byte-path.ts';
import { IndexedImage } from '../indexed/indexed-image.ts';
import type { EncodedEntry } from '../tar/encode-entry.ts';
import { NumberList } from './number-list.ts';

/** What layers come to when they are made into one. */
export interface ChosenEntries {
  /** By position: where in the layer's tar those entries start that the image shows, directories left out. */
  readonly shown: ReadonlyMap<number, NumberList>;
  /** By path. */
  readonly directories: ReadonlyMap<BytePath, EncodedEntry>;
  /** Paths of the layers below to hide, and directories of theirs to hide the children of. */
  readonly whiteouts: readonly BytePath[];
  readonly opaques: ReadonlySet<BytePath>;
  /** Hardlinks that the image shows, by layer and place. */
  readonly links: readonly ShownLink[];
}

export interface ShownLink {
  readonly position: number;
  readonly offset: number;
  /** In the image. */
  readonly path: BytePath;
  /** What the image has of it. */
  readonly node: number;
}

/**
 * Decides which entries of the layers from `from` up make the one layer that shows the same. Holds all directories, the
 * hardlinks and the whiteouts, and 8 bytes for each other entry.
 */
export function chooseEntries(image: IndexedImage, from: number): ChosenEntries {
  const shown = new Map<number, NumberList>();
  const directories = new Map<BytePath, EncodedEntry>();
  const implied: BytePath[] = [];
  const links: ShownLink[] = [];
  const hides = new Set<BytePath>(hiddenPaths(image, from));
  for (const { layer, entry, node, path, shown: isShown, met } of image.survey()) {
    const { position } = layer;
    if (position < from) continue;
    if (entry.type === 'directory') {
      if (isShown && entry.implied) implied.push(path);
      else if (isShown && met === undefined) directories.set(path, { ...entry, path });
      continue;
    }
    if (!isShown) {
      // A directory that took a file's place again would show what the file hid.
      if (met?.how === 'replaced' && from > 0 && image.look(path)?.kind === 'directory') hides.add(path);
      continue;
    }
    if (entry.type === 'hardlink') links.push({ position, offset: entry.offset, path, node });
    const list = shown.get(position) ?? new NumberList();
    shown.set(position, list);
    list.add(entry.offset);
  }
  const below = from === 0 ? undefined : new IndexedImage(image.layers.slice(0, from));
  const marks = settleHides(image, below, hides);
  for (const path of [...implied, ...marks.directories]) {
    const isBelow = !marks.opaques.has(path) && below?.look(path)?.kind === 'directory';
    const directory = isBelow || directories.has(path) ? undefined : directoryAt(image, path);
    if (directory !== undefined) directories.set(path, directory);
  }
  return { shown, directories, links, whiteouts: marks.whiteouts, opaques: marks.opaques };
}

/** What the layers' whiteouts and opaque marks hide, where it is in the image. */
function* hiddenPaths(image: IndexedImage, from: number): Generator<BytePath, void, undefined> {
  for (const layer of image.layers.slice(from)) {
    const { removed, emptied } = image.hiddenBy(layer);
    yield* removed;
    yield* emptied;
  }
}

interface Marks {
  readonly whiteouts: readonly BytePath[];
  readonly opaques: ReadonlySet<BytePath>;
  /** Directories that took the place of something. */
  readonly directories: readonly BytePath[];
}

/** Which of the hidden paths still need a mark: those that the layers below show, and nothing else hides. */
function settleHides(image: IndexedImage, below: IndexedImage | undefined, hides: ReadonlySet<BytePath>): Marks {
  const whiteouts: BytePath[] = [];
  const opaques = new Set<BytePath>();
  const directories: BytePath[] = [];
  // Sorted, so that directories come before what is in them.
  for (const path of [...hides].toSorted()) {
    const now = image.look(path);
    if (now?.kind === 'directory') directories.push(path);
    const before = isCovered(path, opaques) ? undefined : below?.look(path);
    if (before === undefined) continue;
    if (now?.kind === 'directory') {
      if (before.kind === 'directory') opaques.add(path);
    } else if (now === undefined && image.look(parentPath(path))?.kind === 'directory') whiteouts.push(path);
  }
  return { whiteouts, opaques, directories };
}

function isCovered(path: BytePath, opaques: ReadonlySet<BytePath>): boolean {
  for (let at = path; at !== '';) {
    at = parentPath(at);
    if (opaques.has(at)) return true;
  }
  return false;
}

/** The entry of a directory that stands in no layer from `from` up; the root may have none. */
function directoryAt(image: IndexedImage, path: BytePath): EncodedEntry | undefined {
  const found = image.look(path);
  const entry = found === undefined ? undefined : image.describe(found)?.entry;
  return entry === undefined ? undefined : { ...entry, path };
}
