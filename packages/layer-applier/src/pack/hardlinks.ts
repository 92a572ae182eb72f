import type { BytePath } from '../byte-path.ts';
import type { PackedEntry } from './packed-entry.ts';

/** Makes the second and every further name of a file a hardlink to the first. Memory grows with such files alone. */
export class Hardlinks {
  readonly #first = new Map<string, BytePath>();

  settle(entry: PackedEntry): PackedEntry {
    const { inode, names = 1 } = entry;
    if (inode === undefined || names < 2 || entry.type === 'directory') return entry;
    const first = this.#first.get(inode);
    if (first === undefined) {
      this.#first.set(inode, entry.path);
      return entry;
    }
    const { open: _, ...others } = entry;
    return { ...others, type: 'hardlink', link: first, size: 0, xattrs: undefined };
  }
}
