import { close, cString, currentDirectory, openAt, openFlag } from '@boxkit/linux';
import type { BytePath } from '../byte-path.ts';
import type { TarEntry } from '../tar/tar-entry.ts';
import type { TarReader } from '../tar/tar-reader.ts';
import type { BudgetLimits } from './budgets.ts';
import type { Directory } from './directory.ts';
import { DirectoryTable } from './directory-table.ts';
import { failedCall } from './failed-call.ts';
import { makeRoot } from './make-root.ts';
import type { MetadataWriter } from './metadata.ts';
import { removeAt } from './remove-at.ts';
import { TreeWriter } from './tree-writer.ts';

const folder = 'aside';

/**
 * The files below AUFS's link directory (`.wh..wh.plnk`), which hardlinks of the tree may name: kept beside the tree while
 * the layer is extracted, never in it.
 */
export class AsideFiles {
  readonly #directory: string;
  readonly #limits: BudgetLimits;
  readonly #metadata: MetadataWriter;
  #table: DirectoryTable | undefined;

  /** `directory` is where the tree is made. */
  constructor(directory: string, limits: BudgetLimits, metadata: MetadataWriter) {
    this.#directory = directory;
    this.#limits = limits;
    this.#metadata = metadata;
  }

  keep(name: string, entry: TarEntry, reader: TarReader): void {
    this.#table ??= new DirectoryTable(makeRoot(this.#directory, folder), this.#limits, {
      replace: () => {},
      onImplied: () => {},
    });
    new TreeWriter(this.#table, this.#metadata, () => {}).file(this.#table.root, flatten(name), entry, reader);
  }

  /** Makes a hardlink of the tree to the file that is kept under `target`. False when there is none. */
  link(writer: TreeWriter, parent: Directory, name: string, target: BytePath): boolean {
    return this.#table !== undefined && writer.hardlinkFrom(this.#table.root.fd, flatten(target), parent, name);
  }

  /** Removes what was kept; call when all links are made. */
  remove(): void {
    if (this.#table === undefined) return;
    const directory = openAt(currentDirectory, cString(this.#directory), openFlag.path | openFlag.closeOnExec, 0);
    if (directory === -1) throw failedCall('openat');
    try {
      removeAt(directory, folder);
    } finally {
      close(directory);
    }
  }

  /** Frees the descriptors. */
  close(): void {
    this.#table?.closeAll();
    if (this.#table !== undefined) close(this.#table.root.fd);
  }
}

/** One name of a path. */
function flatten(path: string): string {
  return path.replaceAll('/', '|').slice(-200);
}
