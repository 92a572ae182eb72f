import { baseName, joinPath, parentPath, type BytePath } from '../byte-path.ts';
import { recordFlag } from '../layer-index/index-format.ts';
import type { IndexWriter } from '../layer-index/index-writer.ts';
import type { EntryType } from '../layer-index/layer-entry.ts';
import { normalizeName } from '../tar/entry-name.ts';
import { TarType, type TarEntry } from '../tar/tar-entry.ts';
import type { TarReader } from '../tar/tar-reader.ts';
import { parseWhiteout } from '../tar/whiteout-name.ts';
import type { AsideFiles } from './aside-files.ts';
import { ContentDigest } from './content-digest.ts';
import type { Directory } from './directory.ts';
import type { DirectoryTable } from './directory-table.ts';
import type { ExtractorOptions } from './extractor-options.ts';
import type { LateHardlinks } from './late-hardlinks.ts';
import { invalid } from './layer-error.ts';
import type { Tally } from './tally.ts';
import type { TreeWriter } from './tree-writer.ts';
import type { Warnings } from './warnings.ts';

/** What an EntryMaker writes to. */
export interface EntryTargets {
  readonly reader: TarReader;
  readonly tally: Tally;
  readonly directories: DirectoryTable;
  readonly writer: TreeWriter;
  readonly index: IndexWriter;
  readonly late: LateHardlinks;
  readonly aside: AsideFiles;
  readonly warnings: Warnings;
}

/** Makes one entry after the other in the tree, and writes its record. */
export class EntryMaker {
  readonly #options: ExtractorOptions;
  readonly #reader: TarReader;
  readonly #tally: Tally;
  readonly #directories: DirectoryTable;
  readonly #writer: TreeWriter;
  readonly #index: IndexWriter;
  readonly #late: LateHardlinks;
  readonly #aside: AsideFiles;
  readonly #warnings: Warnings;
  /** Devices that could not be made: hardlinks to them cannot either. */
  readonly #absent = new Set<BytePath>();
  #hasRoot = false;

  constructor(options: ExtractorOptions, targets: EntryTargets) {
    this.#options = options;
    this.#reader = targets.reader;
    this.#tally = targets.tally;
    this.#directories = targets.directories;
    this.#writer = targets.writer;
    this.#index = targets.index;
    this.#late = targets.late;
    this.#aside = targets.aside;
    this.#warnings = targets.warnings;
  }

  /** Whether there was an entry for the root itself. */
  get hasRoot(): boolean {
    return this.#hasRoot;
  }

  /** An entry for the root. */
  root(entry: TarEntry): void {
    if (entry.type !== TarType.directory) throw invalid('the root of a layer can only be a directory');
    if (this.#hasRoot) this.#index.replace('' as BytePath, false);
    this.#hasRoot = true;
    this.#directories.root.implied = false;
    this.#describe(this.#directories.root, entry);
  }

  /** Makes what the entry describes at `path`, which is not the root. */
  make(type: EntryType, path: BytePath, entry: TarEntry): void {
    const above = parentPath(path);
    const parent = this.#directories.ensure(above);
    const name = baseName(path);
    // Elsewhere only when the layer has a symlink on the way.
    const place = parent.path === above ? path : joinPath(parent.path, name);
    if (this.#late.size > 0) this.#late.drop(place);
    if (this.#absent.size > 0) this.#forgetAbsent(place);
    switch (entry.type) {
      case TarType.file:
        this.#file(parent, name, place, entry);
        break;
      case TarType.directory:
        this.#describe(this.#writer.directory(parent, name, place), entry);
        break;
      case TarType.symlink:
        if (entry.link === '') throw invalid('it is a symlink to nowhere');
        this.#writer.symlink(parent, name, entry.link, entry);
        this.#index.add(type, place, entry, { link: entry.link });
        break;
      case TarType.hardlink:
        this.#hardlink(parent, name, place, entry);
        break;
      default:
        this.#node(type, parent, name, place, entry);
    }
  }

  #file(parent: Directory, name: string, place: BytePath, entry: TarEntry): void {
    if (entry.segments !== undefined) this.#tally.holes(entry.size - this.#reader.remaining);
    const digest = this.#options.contentDigests ? new ContentDigest() : undefined;
    this.#writer.file(parent, name, entry, this.#reader, digest);
    this.#index.add('file', place, entry, digest === undefined ? {} : { digest: digest.digest() });
  }

  #hardlink(parent: Directory, name: string, place: BytePath, entry: TarEntry): void {
    const target = normalizeName(entry.link);
    const resolved = this.#resolved(target);
    if (this.#absent.has(resolved)) {
      this.#writer.clear(parent, name);
      this.#absent.add(place);
      this.#index.add('hardlink', place, entry, { link: resolved, flags: recordFlag.absent });
      return;
    }
    const isKept = parseWhiteout(target)?.kind === 'aufs-link' && this.#aside.link(this.#writer, parent, name, target);
    if (isKept || this.#writer.hardlink(parent, name, target)) {
      // A link to itself changes nothing.
      if (resolved !== place) this.#index.add('hardlink', place, entry, { link: resolved });
    } else {
      this.#writer.clear(parent, name);
      this.#late.add(place, target, entry);
    }
  }

  /** An entry that is in no tree leaves no EEXIST behind when a later one takes its path. */
  #forgetAbsent(place: BytePath): void {
    if (this.#absent.delete(place)) this.#index.replace(place, false);
  }

  #resolved(target: BytePath): BytePath {
    const parent = this.#directories.resolve(parentPath(target));
    return (parent === '' ? baseName(target) : `${parent}/${baseName(target)}`) as BytePath;
  }

  #node(type: EntryType, parent: Directory, name: string, place: BytePath, entry: TarEntry): void {
    const isDevice = entry.type !== TarType.fifo;
    const isWhiteout = entry.type === TarType.characterDevice && entry.major === 0 && entry.minor === 0;
    let made = false;
    if (isDevice && !this.#options.privileged) {
      this.#warnings.add('devices-skipped', 'device nodes need root: they are recorded in the index, not made');
    } else if (isWhiteout && this.#options.whiteouts !== 'record') {
      this.#warnings.add(
        'devices-skipped',
        'a character device 0:0 would be a whiteout to overlayfs: recorded, not made',
      );
    } else {
      made = this.#writer.node(parent, name, entry);
      if (!made) this.#warnings.add('devices-skipped', 'the system does not allow device nodes: recorded, not made');
    }
    if (!made) {
      this.#writer.clear(parent, name);
      this.#absent.add(place);
    }
    this.#index.add(type, place, entry, { flags: made ? 0 : recordFlag.absent });
  }

  #describe(directory: Directory, entry: TarEntry): void {
    directory.mode = entry.mode;
    directory.uid = entry.uid;
    directory.gid = entry.gid;
    directory.seconds = entry.seconds;
    directory.nanoseconds = entry.nanoseconds;
    directory.xattrs = entry.xattrs;
    directory.offset = entry.offset;
    this.#index.add('directory', directory.path, entry);
  }
}
