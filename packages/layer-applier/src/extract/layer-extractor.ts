import { close } from '@boxkit/linux';
import { baseName, parentPath, type BytePath } from '../byte-path.ts';
import type { TarInput } from '../decode/tar-input.ts';
import { recordFlag, type IndexSummary } from '../layer-index/index-format.ts';
import { IndexWriter } from '../layer-index/index-writer.ts';
import { normalizeName } from '../tar/entry-name.ts';
import { typeNames, type TarEntry } from '../tar/tar-entry.ts';
import { TarReader } from '../tar/tar-reader.ts';
import { parseWhiteout } from '../tar/whiteout-name.ts';
import { AsideFiles } from './aside-files.ts';
import { checkEntry } from './check-entry.ts';
import type { Directory } from './directory.ts';
import { DirectoryTable } from './directory-table.ts';
import { EntryMaker } from './entry-maker.ts';
import type { ExtractorOptions } from './extractor-options.ts';
import { LateHardlinks } from './late-hardlinks.ts';
import { located } from './located.ts';
import { makeRoot } from './make-root.ts';
import { MetadataWriter } from './metadata.ts';
import type { Tally } from './tally.ts';
import { TreeWriter } from './tree-writer.ts';
import { Warnings } from './warnings.ts';
import { Whiteouts } from './whiteouts.ts';

/** Extracts one tar into a tree and an index, synchronously. The rules are those of the OCI image-spec's layer.md. */
export class LayerExtractor {
  readonly #options: ExtractorOptions;
  readonly #tally: Tally;
  readonly #reader: TarReader;
  readonly #input: TarInput;
  readonly #warnings: Warnings;
  readonly #directories: DirectoryTable;
  readonly #writer: TreeWriter;
  readonly #index: IndexWriter;
  readonly #late: LateHardlinks;
  readonly #whiteouts: Whiteouts;
  readonly #rootFd: number;
  readonly #aside: AsideFiles;
  readonly #entries: EntryMaker;

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
    const metadata = new MetadataWriter({
      chown: options.ownership !== 'single',
      exactModes: options.exactModes,
      whiteouts: options.whiteouts,
      warnings: this.#warnings,
    });
    this.#index = new IndexWriter(`${options.directory}/index`);
    this.#writer = new TreeWriter(this.#directories, metadata, (path, wasDirectory) => {
      this.#index.replace(path, wasDirectory);
      if (wasDirectory) this.#late.dropBelow(path);
    });
    this.#late = new LateHardlinks(this.#index, (path, target) => this.#linkLate(path, target));
    this.#whiteouts = new Whiteouts(this.#directories, this.#writer, this.#index, options.whiteouts);
    this.#aside = new AsideFiles(options.directory, tally.limits, metadata);
    this.#entries = new EntryMaker(options, {
      reader: this.#reader,
      tally,
      directories: this.#directories,
      writer: this.#writer,
      index: this.#index,
      late: this.#late,
      aside: this.#aside,
      warnings: this.#warnings,
    });
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
      this.#aside.close();
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
      if (whiteout.kind === 'aufs-link') this.#aside.keep(whiteout.name, entry, this.#reader);
      else if (whiteout.kind !== 'aufs') this.#whiteouts.add(whiteout.kind, whiteout.path, entry.offset);
      return;
    }
    const { cause } = this.#directories;
    cause.offset = entry.offset;
    cause.seconds = entry.seconds;
    cause.nanoseconds = entry.nanoseconds;
    if (path === '') this.#entries.root(entry);
    else this.#entries.make(type, path, entry);
  }

  #linkLate(path: BytePath, target: BytePath): boolean | 'impossible' {
    const parent = this.#directories.get(path) === undefined ? this.#directories.get(parentPath(path)) : undefined;
    return parent === undefined ? 'impossible' : this.#writer.hardlink(parent, baseName(path), target);
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
    this.#aside.remove();
    return this.#index.finish(({ entries, bytes }) => ({
      diffId,
      entries,
      bytes,
      tarBytes: this.#input.offset,
      whiteouts,
      opaques,
      impliedDirectories: implied,
      deferredHardlinks: deferred,
      rootEntry: this.#entries.hasRoot,
      warnings: this.#warnings.list(),
    }));
  }
}
