import { closeSync } from 'node:fs';
import { joinPath, type BytePath } from '../byte-path.ts';
import { OverlayView } from '../drivers/overlay-view.ts';
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
import type { PackedEntry } from './packed-entry.ts';
import { isWhiteout } from './pack-tree.ts';
import type { Recorded } from './recorded.ts';

export interface ContainerTreeOptions {
  /** Absolute paths of what is below the tree, topmost first, as bytes (latin1): shown where the tree has nothing. */
  readonly base: readonly string[];
  /** Whose marks are in the tree, when it is an upper directory of overlayfs; otherwise nothing of the base is shown. */
  readonly upper?: 'trusted' | 'user' | undefined;
  readonly recorded?: Recorded | undefined;
  readonly onWarning: (code: string, path: BytePath) => void;
}

/** One directory: the container's own, where it has touched it, and those of the base that are seen through it. */
interface Place {
  readonly path: BytePath;
  readonly own: FoundDirectory | undefined;
  readonly merged: readonly string[];
  /** The directories of the base of which this one is what became, for the attributes of what lies in it. */
  readonly former: readonly string[];
}

/** All that a container sees, without what is mounted in it: as one tree, a directory before what it holds, names sorted. */
export class ContainerTree {
  readonly #options: ContainerTreeOptions;
  readonly #view: OverlayView;

  constructor(options: ContainerTreeOptions) {
    this.#options = options;
    this.#view = new OverlayView(options.base, options.upper ?? 'trusted');
  }

  *entries(root: FoundDirectory): Generator<PackedEntry, void, undefined> {
    const { merged } = this.#view.root;
    yield this.#restored(findRoot(root), merged[0]);
    yield* this.#directory({ path: '' as BytePath, own: root, merged: this.#shown(merged), former: merged });
  }

  *#directory(place: Place): Generator<PackedEntry, void, undefined> {
    const own = place.own === undefined ? [] : sortedNames(place.own);
    const names = place.merged.length === 0 ? own : [...new Set([...own, ...mergedNames(place.merged)])].toSorted();
    const seen = new Set(own);
    for (const name of names) {
      if (place.own !== undefined && seen.has(name)) yield* this.#own(place, place.own, name);
      else yield* this.#base(place, name);
    }
    for (const entry of this.#options.recorded?.absentIn(place.path) ?? []) {
      if (!seen.has(entry.path.slice(place.path === '' ? 0 : place.path.length + 1))) yield entry;
    }
  }

  *#own(place: Place, directory: FoundDirectory, name: string): Generator<PackedEntry, void, undefined> {
    const onSocket = (path: BytePath): void => this.#options.onWarning('sockets-skipped', path);
    const found = findEntry(directory, name, { onSocket });
    if (found === undefined || isWhiteoutMark(found, this.#options.upper)) return;
    if (isWhiteout(found.path)) this.#options.onWarning('whiteout-names', found.path);
    const before = this.#view.look(place.former, name);
    const former = before?.kind === 'directory' ? before.merged : [];
    const entry = this.#restored(found, before?.kind === 'directory' ? before.merged[0] : before?.path);
    if (found.type !== 'directory') {
      yield entry;
      return;
    }
    const below = openFound(directory, name);
    if (below === undefined) return;
    try {
      yield entry;
      const merged = isOpaqueMark(found, this.#options.upper) ? [] : this.#shown(former);
      yield* this.#directory({ path: found.path, own: below, merged, former });
    } finally {
      closeSync(below.fd);
    }
  }

  *#base(place: Place, name: string): Generator<PackedEntry, void, undefined> {
    const seen = this.#view.look(place.merged, name);
    if (seen === undefined) return;
    const path = joinPath(place.path, name);
    const at = seen.kind === 'directory' ? (seen.merged[0] ?? '') : seen.path;
    const found = findAt(at, path);
    if (found === undefined) return;
    yield this.#restored(found, at);
    if (seen.kind !== 'directory') return;
    yield* this.#directory({ path, own: undefined, merged: seen.merged, former: seen.merged });
  }

  /** Of a whole tree nothing is seen that it has not. */
  #shown(merged: readonly string[]): readonly string[] {
    return this.#options.upper === undefined ? [] : merged;
  }

  /** `before` is where the base has the same path. */
  #restored(found: FoundEntry, before: string | undefined): FoundEntry {
    const { upper, recorded } = this.#options;
    const plain = withoutMarks(found, upper);
    if (recorded === undefined || before === undefined) return plain;
    const former = findAt(before, found.path);
    return recorded.restore(plain, former === undefined ? undefined : withoutMarks(former, upper));
  }
}
