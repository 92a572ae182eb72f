import { close, cString, currentDirectory, openAt, openFlag } from '@boxkit/linux';
import { baseName, parentPath, type BytePath } from '../byte-path.ts';
import type { TarInput } from '../decode/tar-input.ts';
import { recordFlag, type IndexSummary } from '../layer-index/index-format.ts';
import { IndexWriter } from '../layer-index/index-writer.ts';
import type { EntryType } from '../layer-index/layer-entry.ts';
import type { Ownership, WhiteoutForm } from '../staged-layer.ts';
import { normalizeName } from '../tar/entry-name.ts';
import { TarType, typeNames, type TarEntry } from '../tar/tar-entry.ts';
import { TarReader } from '../tar/tar-reader.ts';
import { parseWhiteout } from '../tar/whiteout-name.ts';
import { checkEntry } from './check-entry.ts';
import { ContentDigest } from './content-digest.ts';
import { DirectoryTable, type Directory } from './directory-table.ts';
import { failedCall } from './failed-call.ts';
import { LateHardlinks } from './late-hardlinks.ts';
import { invalid } from './layer-error.ts';
import { located } from './located.ts';
import { makeRoot } from './make-root.ts';
import { MetadataWriter } from './metadata.ts';
import { removeAt } from './remove-at.ts';
import type { Tally } from './tally.ts';
import { TreeWriter } from './tree-writer.ts';
import { Warnings } from './warnings.ts';
import { Whiteouts } from './whiteouts.ts';

export interface ExtractorOptions {
  readonly directory: string;
  readonly ownership: Ownership;
  readonly privileged: boolean;
  readonly whiteouts: WhiteoutForm;
  readonly contentDigests: boolean;
  /** What the tree cannot hold is an error, not a warning. */
  readonly strict: boolean;
  /** The umask of this thread is 0. */
  readonly exactModes: boolean;
  /** Called for every entry; throws to stop. */
  readonly onEntry: () => void;
}

/** Where AUFS's link sources are kept while the layer is extracted: beside the tree, never in it. */
const aside = 'aside';

/** Extracts one tar into a tree and an index, synchronously. The rules are those of the OCI image-spec's layer.md. */
export class LayerExtractor {
  readonly #options: ExtractorOptions;
  readonly #tally: Tally;
  readonly #reader: TarReader;
  readonly #input: TarInput;
  readonly #warnings: Warnings;
  readonly #directories: DirectoryTable;
  readonly #writer: TreeWriter;
  readonly #metadata: MetadataWriter;
  readonly #index: IndexWriter;
  readonly #late: LateHardlinks;
  readonly #whiteouts: Whiteouts;
  readonly #rootFd: number;
  #asideTable: DirectoryTable | undefined;
  #rootEntry = false;
  /** Devices that could not be made: hardlinks to them cannot either. */
  readonly #absent = new Set<BytePath>();

  constructor(input: TarInput, tally: Tally, options: ExtractorOptions) {
    this.#options = options;
    this.#warnings = new Warnings(options.strict);
    this.#tally = tally;
    this.#input = input;
    this.#reader = new TarReader(input, {
      headerBytes: tally.limits.headerBytes,
      onExtendedHeader: () => tally.entry(),
    });
    this.#rootFd = makeRoot(options.directory, 'tree');
    this.#directories = new DirectoryTable(this.#rootFd, tally.limits, {
      replace: (parent, name) => this.#writer.clear(parent, name),
      onImplied: () => tally.entry(),
    });
    this.#metadata = new MetadataWriter({
      chown: options.ownership !== 'single',
      exactModes: options.exactModes,
      whiteouts: options.whiteouts,
      warnings: this.#warnings,
    });
    this.#index = new IndexWriter(`${options.directory}/index`);
    this.#writer = new TreeWriter(this.#directories, this.#metadata, (path, wasDirectory) =>
      this.#index.replace(path, wasDirectory),
    );
    this.#late = new LateHardlinks(this.#directories, this.#writer, this.#index);
    this.#whiteouts = new Whiteouts(this.#directories, this.#writer, this.#index, options.whiteouts);
  }

  /** Reads the tar to the end of its input and finishes tree and index. The caller checks the diffID. */
  run(diffId: string): IndexSummary {
    try {
      this.#extractAll();
      this.#reader.drain();
      this.#tally.flush();
      return this.#finish(diffId);
    } catch (error) {
      throw located(error, this.#reader.entry);
    } finally {
      this.#directories.closeAll();
      close(this.#rootFd);
      this.#asideTable?.closeAll();
      if (this.#asideTable !== undefined) close(this.#asideTable.root.fd);
      this.#index.close();
    }
  }

  #extractAll(): void {
    for (let entry = this.#reader.next(); entry !== undefined; entry = this.#reader.next()) {
      this.#options.onEntry();
      this.#tally.entry();
      this.#extract(entry);
    }
    this.#reader.entry.name = '';
  }

  #extract(entry: TarEntry): void {
    const type = typeNames.get(entry.type);
    if (type === undefined) {
      const shown =
        entry.type > 0x20 && entry.type < 0x7f ? String.fromCharCode(entry.type) : `0x${entry.type.toString(16)}`;
      this.#warnings.add('type-skipped', `entries of the unknown type ${JSON.stringify(shown)} are skipped`);
      return;
    }
    const path = normalizeName(entry.name);
    const whiteout = parseWhiteout(path);
    checkEntry(entry, whiteout?.kind === 'whiteout' ? whiteout.path : path, this.#tally.limits);
    if (whiteout !== undefined) {
      if (whiteout.kind === 'aufs-link') this.#keepAside(whiteout.name, entry);
      else if (whiteout.kind !== 'aufs') this.#whiteouts.add(whiteout.kind, whiteout.path, entry.offset);
      return;
    }
    const { cause } = this.#directories;
    cause.offset = entry.offset;
    cause.seconds = entry.seconds;
    cause.nanoseconds = entry.nanoseconds;
    if (path === '') this.#root(entry);
    else this.#make(type, path, entry);
  }

  #root(entry: TarEntry): void {
    if (entry.type !== TarType.directory) throw invalid('the root of a layer can only be a directory');
    if (this.#rootEntry) this.#index.replace('' as BytePath, false);
    this.#rootEntry = true;
    this.#directories.root.implied = false;
    this.#setDirectory(this.#directories.root, entry);
  }

  #make(type: EntryType, path: BytePath, entry: TarEntry): void {
    const parent = this.#directories.ensure(parentPath(path));
    const name = baseName(path);
    const place = (parent.path === '' ? name : `${parent.path}/${name}`) as BytePath;
    if (this.#late.size > 0) this.#late.drop(place);
    if (this.#absent.size > 0) this.#forgetAbsent(place);
    switch (entry.type) {
      case TarType.file:
        this.#file(parent, name, place, entry);
        break;
      case TarType.directory:
        this.#setDirectory(this.#writer.directory(parent, name, place), entry);
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

  #setDirectory(directory: Directory, entry: TarEntry): void {
    directory.mode = entry.mode;
    directory.uid = entry.uid;
    directory.gid = entry.gid;
    directory.seconds = entry.seconds;
    directory.nanoseconds = entry.nanoseconds;
    directory.xattrs = entry.xattrs;
    directory.offset = entry.offset;
    this.#index.add('directory', directory.path, entry);
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
    const kept = parseWhiteout(target)?.kind === 'aufs-link' ? this.#linkAside(parent, name, target) : undefined;
    const made = kept ?? this.#writer.hardlink(parent, name, target);
    if (made) {
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

  /** A file below AUFS's link directory: hardlinks of the tree may name it. */
  #keepAside(name: string, entry: TarEntry): void {
    if (entry.type !== TarType.file) return;
    this.#asideTable ??= new DirectoryTable(makeRoot(this.#options.directory, aside), this.#tally.limits, {
      replace: () => {},
      onImplied: () => {},
    });
    const writer = new TreeWriter(this.#asideTable, this.#metadata, () => {});
    writer.file(this.#asideTable.root, flatten(name), entry, this.#reader);
  }

  #linkAside(parent: Directory, name: string, target: BytePath): boolean | undefined {
    if (this.#asideTable === undefined) return undefined;
    return this.#writer.hardlinkFrom(this.#asideTable.root.fd, flatten(target), parent, name) || undefined;
  }

  #finish(diffId: string): IndexSummary {
    const deferred = this.#late.settle();
    const { whiteouts, opaques, opaqueDirectories } = this.#whiteouts.settle();
    const xattr = this.#options.whiteouts === 'overlay' ? 'trusted.overlay.opaque' : 'user.overlay.opaque';
    const implied: BytePath[] = [];
    for (const directory of this.#directories.order) {
      if (!directory.alive || !directory.implied) continue;
      implied.push(directory.path);
      this.#index.add(
        'directory',
        directory.path,
        { ...directory, size: 0, major: 0, minor: 0 },
        { flags: recordFlag.implied },
      );
    }
    const finish = (directory: Directory): void =>
      this.#writer.finishDirectory(directory, opaqueDirectories.has(directory) ? xattr : undefined);
    for (const directory of this.#directories.order.toReversed()) if (directory.alive) finish(directory);
    finish(this.#directories.root);
    if (this.#asideTable !== undefined) this.#removeAside();
    return this.#index.finish(({ entries, bytes }) => ({
      diffId,
      entries,
      bytes,
      tarBytes: this.#input.offset,
      whiteouts,
      opaques,
      impliedDirectories: implied,
      deferredHardlinks: deferred,
      rootEntry: this.#rootEntry,
      warnings: this.#warnings.list(),
    }));
  }

  #removeAside(): void {
    const directory = openAt(
      currentDirectory,
      cString(this.#options.directory),
      openFlag.path | openFlag.closeOnExec,
      0,
    );
    if (directory === -1) throw failedCall('openat');
    try {
      removeAt(directory, aside);
    } finally {
      close(directory);
    }
  }
}

/** One name of a path. */
function flatten(path: string): string {
  return path.replaceAll('/', '|').slice(-200);
}
