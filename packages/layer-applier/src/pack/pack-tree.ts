import { closeSync } from 'node:fs';
import { joinPath, type BytePath } from '../byte-path.ts';
import { parseWhiteout } from '../tar/whiteout-name.ts';
import { findEntry, findRoot, openFound, sortedNames, type FoundDirectory, type FoundEntry } from './find-entry.ts';
import { Hardlinks } from './hardlinks.ts';
import { inTree } from './in-tree.ts';
import { datedEntry, type PackedEntry } from './packed-entry.ts';
import { writeTar } from './write-tar.ts';

/** Who owns what is packed: `keep` for who does on the disk. */
export type PackedOwner = 'keep' | { readonly uid: number; readonly gid: number };

export interface PackTreeOptions {
  /** Where in the image the directory's content goes, below the root; '' for the root itself. */
  readonly at: BytePath;
  readonly owner: PackedOwner;
  /** Seconds since 1970: what is younger is dated so. */
  readonly latest?: number;
  /** A file that is left out: the one the tar is written to. */
  readonly without?: (entry: FoundEntry) => boolean;
  /** A stable word and what it is about, once for each file: `sockets-skipped`, `whiteout-names`. */
  readonly onWarning: (code: string, path: BytePath) => void;
}

/**
 * A directory as a layer: names sorted by their bytes, a directory before what it holds, files with several names as
 * hardlinks. The directory itself has an entry, unless it goes to the root: what is only above it has none, so that
 * an image keeps its own. Throws ERR_BOX_FILE_UNREADABLE.
 */
export function* packTree(root: string, options: PackTreeOptions): Generator<Uint8Array, void, undefined> {
  yield* inTree(root, (directory) => writeTar(entriesOf(directory, options)));
}

function* entriesOf(root: FoundDirectory, options: PackTreeOptions): Generator<PackedEntry, void, undefined> {
  const placed = placer(options);
  const linked = new Hardlinks();
  if (options.at !== '') yield placed(findRoot(root));
  for (const found of walk(root, options)) yield linked.settle(placed(found));
}

/** All that lies below a directory. */
function* walk(directory: FoundDirectory, options: PackTreeOptions): Generator<FoundEntry, void, undefined> {
  const onSocket = (path: BytePath): void => options.onWarning('sockets-skipped', path);
  for (const name of sortedNames(directory)) {
    const found = findEntry(directory, name, { onSocket });
    if (found === undefined || options.without?.(found) === true) continue;
    if (isWhiteout(found.path)) options.onWarning('whiteout-names', found.path);
    if (found.type !== 'directory') {
      yield found;
      continue;
    }
    const below = openFound(directory, name);
    if (below === undefined) continue;
    try {
      yield found;
      yield* walk(below, options);
    } finally {
      closeSync(below.fd);
    }
  }
}

/** Whether a name means something else in a layer than itself. */
export function isWhiteout(path: BytePath): boolean {
  try {
    return parseWhiteout(path) !== undefined;
  } catch {
    return true;
  }
}

/** What an entry becomes in the layer: its place, its owner, its time. */
function placer({ at, owner, latest }: PackTreeOptions): (found: FoundEntry) => PackedEntry {
  return (found) => {
    const path = at === '' ? found.path : found.path === '' ? at : joinPath(at, found.path);
    return datedEntry({ ...found, path, ...(owner === 'keep' ? {} : owner) }, latest);
  };
}
