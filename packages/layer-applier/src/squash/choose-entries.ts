import { lstatSync } from 'node:fs';
import { parentPath, type BytePath } from '../byte-path.ts';
import { bytes, type OverlayView } from '../drivers/overlay-view.ts';
import type { LayerEntry } from '../layer-index/layer-entry.ts';
import type { ImageTree } from '../queries/image-tree.ts';
import { hiddenByMarks, lowerView } from '../queries/settled-path.ts';
import { survey } from '../queries/survey.ts';
import type { EncodedEntry } from '../tar/encode-entry.ts';
import { HardLinks, type LinkTarget } from './hard-links.ts';
import { NumberList } from './number-list.ts';
import { plainLook } from './plain-look.ts';

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
  readonly target: LinkTarget;
}

/**
 * Decides which entries of the layers from `from` up make the one layer that shows the same. Holds all directories, the
 * hardlinks and the whiteouts, and 8 bytes for each other entry.
 */
export function chooseEntries(tree: ImageTree, from: number): ChosenEntries {
  const shown = new Map<number, NumberList>();
  const directories = new Map<BytePath, EncodedEntry>();
  const implied: BytePath[] = [];
  const links: ShownLink[] = [];
  const hides = new Set<BytePath>();
  const hardLinks = new HardLinks(tree);
  for (const { layer, entry, path, shown: isShown, met } of survey(tree)) {
    if (layer.position < from) continue;
    if (entry.implied) {
      if (isShown) implied.push(path);
      continue;
    }
    if (entry.type === 'directory') {
      if (isShown && met === undefined) directories.set(path, { ...entry, path });
      continue;
    }
    if (!isShown) {
      // A directory that took a file's place again would show what the file hid.
      if (met?.how === 'replaced' && from > 0 && plainLook(tree.view, path)?.kind === 'directory') hides.add(path);
      continue;
    }
    const target = entry.type === 'hardlink' ? hardLinks.targetOf(layer, entry) : undefined;
    if (target !== undefined) links.push({ position: layer.position, offset: entry.offset, path, target });
    const list = shown.get(layer.position) ?? new NumberList();
    shown.set(layer.position, list);
    list.add(entry.offset);
  }
  for (const path of hiddenPaths(tree, from)) hides.add(path);
  const below = viewBelow(tree, from);
  const marks = settleHides(tree, below, hides);
  for (const path of [...implied, ...marks.directories]) {
    const isBelow = below !== undefined && !marks.opaques.has(path) && plainLook(below, path)?.kind === 'directory';
    const directory = isBelow || directories.has(path) ? undefined : impliedDirectory(tree, path);
    if (directory !== undefined) directories.set(path, directory);
  }
  return { shown, directories, links, whiteouts: marks.whiteouts, opaques: marks.opaques };
}

/** What the layers' whiteouts and opaque marks name, where it is in the image. */
function* hiddenPaths(tree: ImageTree, from: number): Generator<BytePath, void, undefined> {
  for (const layer of tree.layers) {
    if (layer.position < from) continue;
    const { whiteouts, opaques } = hiddenByMarks(tree, layer);
    yield* whiteouts;
    yield* opaques;
  }
}

interface Marks {
  readonly whiteouts: readonly BytePath[];
  readonly opaques: ReadonlySet<BytePath>;
  /** Directories that took the place of something. */
  readonly directories: readonly BytePath[];
}

/** Which of the hidden paths still need a mark: those that the layers below show, and nothing else hides. */
function settleHides(tree: ImageTree, below: OverlayView | undefined, hides: ReadonlySet<BytePath>): Marks {
  const whiteouts: BytePath[] = [];
  const opaques = new Set<BytePath>();
  const directories: BytePath[] = [];
  // Sorted, so that directories come before what is in them.
  for (const path of [...hides].toSorted()) {
    const now = plainLook(tree.view, path);
    if (now?.kind === 'directory') directories.push(path);
    if (below === undefined || isCovered(path, opaques)) continue;
    const before = plainLook(below, path);
    if (before === undefined) continue;
    if (now?.kind === 'directory') {
      if (before.kind === 'directory') opaques.add(path);
    } else if (now === undefined && plainLook(tree.view, parentPath(path))?.kind === 'directory') whiteouts.push(path);
  }
  return { whiteouts, opaques, directories };
}

/** What the layers below `from` show; undefined when there are none. */
function viewBelow(tree: ImageTree, from: number): OverlayView | undefined {
  return from === 0 ? undefined : lowerView(tree, { position: from });
}

function isCovered(path: BytePath, opaques: ReadonlySet<BytePath>): boolean {
  for (let at = path; at !== '';) {
    at = parentPath(at);
    if (opaques.has(at)) return true;
  }
  return false;
}

/** A directory that no entry tells of has the times that extraction gave it. One that only marks imply is not there. */
function impliedDirectory(tree: ImageTree, path: BytePath): EncodedEntry | undefined {
  const seen = plainLook(tree.view, path);
  const place = seen?.kind === 'directory' ? seen.merged[0] : undefined;
  if (place === undefined) return undefined;
  const stat = lstatSync(bytes(place), { bigint: true, throwIfNoEntry: false });
  const time = stat?.mtimeNs ?? 0n;
  const nanoseconds = Number(((time % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n);
  const plain: Pick<LayerEntry, 'uid' | 'gid' | 'size' | 'major' | 'minor' | 'xattrs'> = {
    uid: 0,
    gid: 0,
    size: 0,
    major: 0,
    minor: 0,
    xattrs: undefined,
  };
  const mtime = { seconds: Number((time - BigInt(nanoseconds)) / 1_000_000_000n), nanoseconds };
  return { ...plain, type: 'directory', path, mode: 0o755, link: '' as BytePath, mtime };
}
