import { baseName, parentPath, type BytePath } from '../byte-path.ts';
import { recordFlag } from '../layer-index/index-format.ts';
import type { IndexWriter, RecordFields } from '../layer-index/index-writer.ts';
import type { WhiteoutForm } from '../staged-layer.ts';
import type { Directory } from './directory.ts';
import type { DirectoryTable } from './directory-table.ts';
import type { TreeWriter } from './tree-writer.ts';

const nothing: Omit<RecordFields, 'offset'> = {
  mode: 0,
  uid: 0,
  gid: 0,
  size: 0,
  seconds: 0,
  nanoseconds: 0,
  major: 0,
  minor: 0,
  xattrs: undefined,
};

/**
 * What a layer hides of those below it. Settled when all entries have been read, as a whiteout spares its own layer
 * wherever it stands in the tar.
 */
export class Whiteouts {
  readonly #whiteouts = new Map<BytePath, number>();
  readonly #opaques = new Map<BytePath, number>();
  readonly #directories: DirectoryTable;
  readonly #writer: TreeWriter;
  readonly #index: IndexWriter;
  readonly #form: WhiteoutForm;

  constructor(directories: DirectoryTable, writer: TreeWriter, index: IndexWriter, form: WhiteoutForm) {
    this.#directories = directories;
    this.#writer = writer;
    this.#index = index;
    this.#form = form;
  }

  /** `path` is what is hidden, or the opaque directory. */
  add(kind: 'whiteout' | 'opaque', path: BytePath, offset: number): void {
    (kind === 'whiteout' ? this.#whiteouts : this.#opaques).set(path, offset);
  }

  /** Puts the overlay form into the tree and the records into the index. */
  settle(): { whiteouts: BytePath[]; opaques: BytePath[]; opaqueDirectories: Set<Directory> } {
    const opaqueDirectories = new Set<Directory>();
    const whiteouts = new Map<BytePath, number>();
    for (const [path, offset] of this.#whiteouts) whiteouts.set(this.#resolveParent(path), offset);
    const opaques = new Map<BytePath, number>();
    for (const [path, offset] of this.#opaques) opaques.set(this.#directories.resolve(path), offset);
    for (const [path, offset] of whiteouts) {
      const inTree = this.#form !== 'record' && this.#place(path, opaqueDirectories);
      this.#index.add('whiteout', path, { ...nothing, offset }, { flags: inTree ? 0 : recordFlag.absent });
    }
    for (const [path, offset] of opaques) {
      const inTree = this.#form !== 'record' && !this.#directories.isBlocked(path);
      if (inTree) opaqueDirectories.add(this.#directories.ensure(path));
      this.#index.add('opaque', path, { ...nothing, offset }, { flags: inTree ? 0 : recordFlag.absent });
    }
    return { whiteouts: [...whiteouts.keys()], opaques: [...opaques.keys()], opaqueDirectories };
  }

  #resolveParent(path: BytePath): BytePath {
    const parent = this.#directories.resolve(parentPath(path));
    return (parent === '' ? baseName(path) : `${parent}/${baseName(path)}`) as BytePath;
  }

  /** A directory of the same path hides what is below it in lower layers by being opaque; any other entry by being there. */
  #place(path: BytePath, opaque: Set<Directory>): boolean {
    const own = this.#directories.get(path);
    if (own !== undefined) {
      opaque.add(own);
      return true;
    }
    // The layer's own file above it hides the lower directory with all that is in it.
    const parent = parentPath(path);
    if (this.#directories.isBlocked(parent)) return false;
    return this.#writer.whiteoutDevice(this.#directories.ensure(parent), baseName(path));
  }
}
