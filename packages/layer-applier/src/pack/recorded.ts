import { parentPath, type BytePath } from '../byte-path.ts';
import { IndexedImage } from '../indexed/indexed-image.ts';
import type { IndexedLayer } from '../indexed/indexed-layer.ts';
import type { LayerEntry } from '../layer-index/layer-entry.ts';
import type { FoundEntry } from './find-entry.ts';
import type { PackedEntry } from './packed-entry.ts';

/**
 * What the layers of an image said of its files and a disk without privilege could not hold: other owners than root,
 * xattrs, special bits, device nodes. Memory grows with the files that have such, not with the image.
 */
export class Recorded {
  readonly #entries = new Map<BytePath, LayerEntry>();
  /** Directories to the entries in them that are on no disk. */
  readonly #absent = new Map<BytePath, LayerEntry[]>();

  constructor(layers: readonly IndexedLayer[]) {
    for (const { entry, path } of new IndexedImage(layers).shown()) {
      if (entry.implied || !needsRecord(entry)) continue;
      this.#entries.set(path, entry);
      if (entry.made || entry.type === 'hardlink') continue;
      const there = this.#absent.get(parentPath(path));
      if (there === undefined) this.#absent.set(parentPath(path), [{ ...entry, path }]);
      else there.push({ ...entry, path });
    }
  }

  /** What is in a directory of the image and on no disk. */
  absentIn(directory: BytePath): readonly PackedEntry[] {
    return this.#absent.get(directory) ?? [];
  }

  /** An entry with its true attributes, of those that are on the disk as they were there `before`. */
  restore(found: FoundEntry, before: FoundEntry | undefined): FoundEntry {
    const recorded = before?.type === found.type ? this.#entries.get(found.path) : undefined;
    if (before === undefined || recorded === undefined) return found;
    const sameOwner = found.uid === before.uid && found.gid === before.gid;
    return {
      ...found,
      ...(sameOwner ? { uid: recorded.uid, gid: recorded.gid } : {}),
      ...(found.mode === before.mode ? { mode: recorded.mode } : {}),
      xattrs: joined(found.xattrs, before.xattrs, recorded.xattrs),
    };
  }
}

function needsRecord({ uid, gid, mode, xattrs, made }: LayerEntry): boolean {
  return uid !== 0 || gid !== 0 || xattrs !== undefined || !made || (mode & 0o7000) !== 0;
}

/** What is there now, and what was recorded and could not be written to the disk. */
function joined(
  found: FoundEntry['xattrs'],
  before: FoundEntry['xattrs'],
  recorded: LayerEntry['xattrs'],
): FoundEntry['xattrs'] {
  const all = new Map(found ?? []);
  for (const [name, value] of recorded ?? []) if (before?.has(name) !== true && !all.has(name)) all.set(name, value);
  return all.size === 0 ? undefined : all;
}
