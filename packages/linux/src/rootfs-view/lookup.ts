import { lstatSync, type Stats } from 'node:fs';
import type { Rootfs } from '@boxkit/contracts';
import { getXattr } from '../xattr.ts';
import { SystemCallError } from '../libc.ts';

/** One place on the host where a path of the rootfs may be. */
export interface Place {
  readonly path: string;
  /** Directories of the layers above; an opaque one of them hides this place. */
  readonly above: readonly string[];
}

/** What a name of a merged directory is: the topmost file, or all the directories that make it up. */
export interface Found {
  readonly places: readonly [Place, ...Place[]];
  readonly stats: Stats;
}

/** Looks names up as overlayfs would if the rootfs were mounted, topmost layer first. */
export class Layers {
  readonly #opaque = new Map<string, boolean>();
  readonly #attribute: string;
  readonly #roots: readonly string[];

  constructor(rootfs: Rootfs) {
    this.#roots = rootfs.kind === 'directory' ? [rootfs.path] : [rootfs.upper, ...rootfs.lower];
    this.#attribute = `${rootfs.kind === 'overlay' && rootfs.userxattr ? 'user' : 'trusted'}.overlay.opaque`;
  }

  root(): Found | undefined {
    // overlayfs merges the roots of all layers, whatever they are marked
    return this.#firstOf(this.#roots.map((path) => ({ path, above: [] })));
  }

  /** The entry `name` of a directory; undefined when there is none, or when it may not be looked at. */
  child(directory: Found, name: string): Found | undefined {
    return this.#firstOf(directory.places.map((place) => ({ path: `${place.path}/${name}`, above: place.above })));
  }

  #firstOf(candidates: readonly Place[]): Found | undefined {
    const places: Place[] = [];
    let stats: Stats | undefined;
    for (const candidate of candidates) {
      // reading an attribute is dear, so it is asked only when nothing above has answered
      if (stats === undefined && this.#isHidden(candidate)) break;
      const found = lstat(candidate.path);
      if (found === undefined) continue;
      if (isWhiteout(found) || (stats !== undefined && !found.isDirectory())) break;
      stats ??= found;
      places.push({ path: candidate.path, above: [...candidate.above, ...places.map(({ path }) => path)] });
      if (!found.isDirectory()) break;
    }
    const [first, ...others] = places;
    return first === undefined || stats === undefined ? undefined : { places: [first, ...others], stats };
  }

  #isHidden({ above }: Place): boolean {
    return above.some((directory) => this.#isOpaque(directory));
  }

  #isOpaque(directory: string): boolean {
    const known = this.#opaque.get(directory) ?? readOpaque(directory, this.#attribute);
    this.#opaque.set(directory, known);
    return known;
  }
}

function readOpaque(directory: string, attribute: string): boolean {
  try {
    return getXattr(directory, attribute).toString() === 'y';
  } catch (error) {
    // no attribute, no such directory, or a file system without attributes: not opaque
    if (error instanceof SystemCallError) return false;
    throw error;
  }
}

/** A character device 0:0 stands for "removed". overlayfs documentation, "whiteouts and opaque directories". */
function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0;
}

function lstat(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    // ENOTDIR, EACCES: whoever may not look finds nothing
    return undefined;
  }
}
