import { closeSync } from 'node:fs';
import type { BytePath } from '../byte-path.ts';
import { OverlayView, type Seen } from '../drivers/overlay-view.ts';
import {
  findAt,
  findEntry,
  findRoot,
  openFound,
  sortedNames,
  type FoundDirectory,
  type FoundEntry,
} from './find-entry.ts';
import { mergedNames } from './merged-names.ts';
import { isOpaqueMark, isWhiteoutMark, withoutMarks } from './overlay-marks.ts';
import { isWhiteout } from './pack-tree.ts';
import type { PackedEntry } from './packed-entry.ts';
import type { Recorded } from './recorded.ts';
import { sameAttributes, sameButTime, sameContent } from './same-entry.ts';
import { opaqueEntry, whiteoutEntry } from './whiteout-entry.ts';

/** A tree, and what it was made from. */
export interface TreeDiffOptions {
  /** Absolute paths of directories that lie upon each other, topmost first, as bytes (latin1). */
  readonly base: readonly string[];
  /**
   * Whether the tree is an upper directory of overlayfs, and whose the marks are in it: what it lacks is then as it was.
   * Absent for a whole tree: what that lacks has gone.
   */
  readonly upper?: 'trusted' | 'user' | undefined;
  /** Directories and empty files that were made to mount on, below the root: none of the tree's own. */
  readonly mountPoints?: readonly BytePath[];
  /** Whether a path has to be in the layer though it is as it was. */
  readonly linksChanged?: (found: FoundEntry) => boolean;
  /** Whether the content of a file whose attributes are as they were is too, so that it need not be read. */
  readonly isUntouched?: (found: FoundEntry) => boolean;
  /** Attributes that the disk could not hold. */
  readonly recorded?: Recorded | undefined;
  readonly onWarning: (code: string, path: BytePath) => void;
}

/** One directory of both. `merged` are those of the base, none where the base has no such directory. */
interface Pair {
  readonly own: FoundDirectory;
  readonly merged: readonly string[];
  /** Whether what `own` lacks has gone. */
  readonly whole: boolean;
}

interface Judged {
  readonly entry: FoundEntry;
  readonly seen: Seen | undefined;
  /** What was there, in the form of what is. */
  readonly before: FoundEntry | undefined;
}

/**
 * What makes a tree of its base, as entries of a layer: those of all that is new or differs, after the directories that
 * lead there, whiteouts for what has gone, and an opaque mark for a directory of which nothing is left. Metadata counts;
 * the content of files is compared. OCI image-spec, layer.md "Creating", "Whiteouts".
 */
export class TreeDiff {
  readonly #options: TreeDiffOptions;
  readonly #view: OverlayView;

  constructor(options: TreeDiffOptions) {
    this.#options = options;
    this.#view = new OverlayView(options.base, options.upper ?? 'trusted');
  }

  *entries(root: FoundDirectory): Generator<PackedEntry, void, undefined> {
    const { upper } = this.#options;
    const { merged } = this.#view.root;
    const own = this.#plain(findRoot(root));
    const before = merged[0] === undefined ? undefined : this.#before(merged[0], '' as BytePath);
    if (before === undefined || !sameButTime(own, before) || !this.#sameTime(own, before))
      yield this.#restored(own, before);
    yield* this.#children({ own: root, merged, whole: upper === undefined });
  }

  *#children(pair: Pair): Generator<PackedEntry, void, undefined> {
    const names = sortedNames(pair.own);
    if (pair.whole && pair.merged.length > 0) {
      for (const name of this.#gone(pair.merged, new Set(names))) yield whiteoutEntry(pair.own.path, name);
    }
    for (const name of names) yield* this.#name(pair, name);
  }

  *#name(pair: Pair, name: string): Generator<PackedEntry, void, undefined> {
    const seen = this.#view.look(pair.merged, name);
    const onSocket = (path: BytePath): void => this.#options.onWarning('sockets-skipped', path);
    const found = findEntry(pair.own, name, { onSocket });
    if (found === undefined || isWhiteoutMark(found, this.#options.upper)) {
      if (seen !== undefined) yield whiteoutEntry(pair.own.path, name);
      return;
    }
    if (isWhiteout(found.path)) {
      this.#options.onWarning('whiteout-names-skipped', found.path);
      return;
    }
    const place = seen?.kind === 'directory' ? seen.merged[0] : seen?.path;
    const before = place === undefined ? undefined : this.#before(place, found.path);
    const judged: Judged = { entry: this.#plain(found), seen, before };
    if (found.type === 'directory')
      yield* this.#directory(pair, name, judged, isOpaqueMark(found, this.#options.upper));
    else if (this.#differs(judged, place)) yield this.#restored(judged.entry, before);
  }

  *#directory(
    pair: Pair,
    name: string,
    { entry, seen, before }: Judged,
    isReplaced: boolean,
  ): Generator<PackedEntry, void, undefined> {
    const own = openFound(pair.own, name);
    if (own === undefined) return;
    try {
      const both = seen?.kind === 'directory' ? seen.merged : [];
      const whole = pair.whole || isReplaced;
      const isOpaque = both.length > 0 && (isReplaced || (whole && this.#allGone(both, own)));
      const below = this.#children({ own, merged: isOpaque ? [] : both, whole });
      const first = below.next();
      const isSame = both.length > 0 && before !== undefined && sameButTime(entry, before) && !isOpaque;
      if (first.done === true && isSame && this.#sameTime(entry, before)) return;
      if (first.done === true && both.length === 0 && seen === undefined && this.#leadsToMount(entry.path)) return;
      yield this.#restored(entry, before);
      if (isOpaque) yield opaqueEntry(entry.path);
      if (first.done === true) return;
      yield first.value;
      yield* below;
    } finally {
      closeSync(own.fd);
    }
  }

  #differs({ entry, before }: Judged, place: string | undefined): boolean {
    const { linksChanged, isUntouched, mountPoints = [] } = this.#options;
    if (before === undefined || place === undefined) {
      return !(entry.type === 'file' && entry.size === 0 && mountPoints.includes(entry.path));
    }
    if (!sameAttributes(entry, before) || linksChanged?.(entry) === true) return true;
    if (entry.type !== 'file' || entry.inode === before.inode || isUntouched?.(entry) === true) return false;
    return !sameContent(entry, place);
  }

  #restored(entry: FoundEntry, before: FoundEntry | undefined): FoundEntry {
    return this.#options.recorded?.restore(entry, before) ?? entry;
  }

  #before(place: string, path: BytePath): FoundEntry | undefined {
    const found = findAt(place, path);
    return found === undefined ? undefined : this.#plain(found);
  }

  /** Making something to mount on changes the time of the directory that it is made in. */
  #sameTime(entry: FoundEntry, before: FoundEntry): boolean {
    return sameAttributes(entry, before) || this.#leadsToMount(entry.path);
  }

  #leadsToMount(path: BytePath): boolean {
    const start = path === '' ? '' : `${path}/`;
    return (this.#options.mountPoints ?? []).some((point) => point === path || point.startsWith(start));
  }

  /** What the base has in a directory and the tree has not. */
  *#gone(merged: readonly string[], own: ReadonlySet<string>): Generator<string, void, undefined> {
    for (const name of mergedNames(merged)) {
      if (!own.has(name) && this.#view.look(merged, name) !== undefined) yield name;
    }
  }

  /** Whether the base has several names in a directory, and the tree none of them. */
  #allGone(merged: readonly string[], own: FoundDirectory): boolean {
    const names = new Set(sortedNames(own));
    let gone = 0;
    for (const name of mergedNames(merged)) {
      if (this.#view.look(merged, name) === undefined) continue;
      if (names.has(name)) return false;
      gone++;
    }
    return gone > 1;
  }

  #plain(found: FoundEntry): FoundEntry {
    return withoutMarks(found, this.#options.upper);
  }
}
