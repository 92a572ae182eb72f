import { closeSync } from 'node:fs';
import { statName } from '@boxkit/linux';
import { joinPath, type BytePath } from '../byte-path.ts';
import { openFound, sortedNames, type FoundDirectory } from './find-entry.ts';

/**
 * Which names were one file before, and which are now. A layer that changes what names belong together has to hold all
 * of them, though their content is as it was. Memory grows with the names of such files alone.
 */
export class LinkGroups {
  /** Names that were not the only one of their file, to which file. */
  readonly #before = new Map<BytePath, string>();
  readonly #now = new Map<BytePath, string>();
  readonly #namesNow = new Map<string, BytePath[]>();
  /** Of files of before: the names that are there still. */
  readonly #kept = new Map<string, BytePath[]>();

  constructor(before: FoundDirectory, now: FoundDirectory) {
    eachFile(before, (path, inode, names) => {
      if (names > 1) this.#before.set(path, inode);
    });
    eachFile(now, (path, inode, names) => {
      const former = this.#before.get(path);
      if (names < 2 && former === undefined) return;
      this.#now.set(path, inode);
      push(this.#namesNow, inode, path);
      if (former !== undefined) push(this.#kept, former, path);
    });
  }

  /** Whether other names belong to the file of this one than before, of those that are there. */
  changed(path: BytePath): boolean {
    const inode = this.#now.get(path);
    if (inode === undefined) return false;
    const names = this.#namesNow.get(inode) ?? [];
    const former = this.#before.get(path);
    if (former === undefined) return names.length > 1;
    const kept = this.#kept.get(former) ?? [];
    return kept.length !== names.length || names.some((name) => this.#before.get(name) !== former);
  }
}

function push(map: Map<string, BytePath[]>, key: string, path: BytePath): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [path]);
  else list.push(path);
}

function eachFile(directory: FoundDirectory, see: (path: BytePath, inode: string, names: number) => void): void {
  for (const name of sortedNames(directory)) {
    const stat = statName(directory.fd, name);
    if (stat === undefined) continue;
    if (!stat.isDirectory()) {
      see(joinPath(directory.path, name), `${stat.dev}:${stat.ino}`, Number(stat.nlink));
      continue;
    }
    const below = openFound(directory, name);
    if (below === undefined) continue;
    try {
      eachFile(below, see);
    } finally {
      closeSync(below.fd);
    }
  }
}
