import { baseName, joinPath, parentPath, type BytePath } from '../byte-path.ts';
import type { TarInput } from '../decode/tar-input.ts';
import { checkEntry } from '../extract/check-entry.ts';
import { LateHardlinks } from '../extract/late-hardlinks.ts';
import { invalid } from '../extract/layer-error.ts';
import { located } from '../extract/located.ts';
import type { Tally } from '../extract/tally.ts';
import { normalizeName } from '../tar/entry-name.ts';
import { TarType, typeNames, type TarEntry } from '../tar/tar-entry.ts';
import { TarReader } from '../tar/tar-reader.ts';
import { parseWhiteout } from '../tar/whiteout-name.ts';
import { recordFlag, type IndexSummary } from './index-format.ts';
import { IndexWriter } from './index-writer.ts';
import type { EntryType } from './layer-entry.ts';
import { OwnTree } from './own-tree.ts';

export interface TarIndexOptions {
  /** Where the index is written; nothing is there. */
  readonly path: string;
  readonly diffId: string;
  /** Called for every entry; throws to stop. */
  readonly onEntry: () => void;
}

/**
 * Reads a tar to its end and writes the index that its extraction would write, by the same rules and within the same
 * budgets; no tree is made. The caller checks the diffID.
 */
export function indexTar(input: TarInput, tally: Tally, options: TarIndexOptions): IndexSummary {
  const reader = new TarReader(input, {
    headerBytes: tally.limits.headerBytes,
    onExtendedHeader: () => tally.entry(),
  });
  const indexer = new TarIndexer(tally, options);
  try {
    for (let entry = reader.next(); entry !== undefined; entry = reader.next()) {
      options.onEntry();
      tally.entry();
      if (entry.segments !== undefined) tally.holes(entry.size - reader.remaining);
      indexer.add(entry);
    }
    reader.entry.name = '';
    reader.drain();
    tally.flush();
    return indexer.finish(options.diffId, input);
  } catch (error) {
    throw located(error, reader.entry);
  } finally {
    indexer.close();
  }
}

const nothing = { mode: 0, uid: 0, gid: 0, size: 0, seconds: 0, nanoseconds: 0, major: 0, minor: 0, xattrs: undefined };

class TarIndexer {
  readonly #tally: Tally;
  readonly #index: IndexWriter;
  readonly #tree: OwnTree;
  readonly #late: LateHardlinks;
  readonly #whiteouts = new Map<BytePath, number>();
  readonly #opaques = new Map<BytePath, number>();
  /** Files that AUFS keeps beside the tree for hardlinks. */
  readonly #aside = new Set<string>();
  #rootEntry = false;
  #unknown = { count: 0, type: 0 };

  constructor(tally: Tally, { path }: TarIndexOptions) {
    this.#tally = tally;
    this.#index = new IndexWriter(path);
    this.#tree = new OwnTree(tally.limits, {
      onImplied: () => tally.entry(),
      onReplace: (replaced, wasDirectory) => {
        this.#index.replace(replaced, wasDirectory);
        if (wasDirectory) this.#late.dropBelow(replaced);
      },
    });
    this.#late = new LateHardlinks(this.#index, (link, target) => this.#linkLate(link, target));
  }

  add(entry: TarEntry): void {
    const type = typeNames.get(entry.type);
    if (type === undefined) {
      this.#unknown = { count: this.#unknown.count + 1, type: this.#unknown.type || entry.type };
      return;
    }
    const path = normalizeName(entry.name);
    const whiteout = parseWhiteout(path);
    checkEntry(entry, whiteout?.kind === 'whiteout' ? whiteout.path : path, this.#tally.limits);
    if (whiteout?.kind === 'aufs') return;
    if (whiteout?.kind === 'aufs-link') {
      if (type === 'file') this.#aside.add(whiteout.name);
    } else if (whiteout !== undefined) {
      (whiteout.kind === 'whiteout' ? this.#whiteouts : this.#opaques).set(whiteout.path, entry.offset);
    } else if (path === '') {
      this.#root(entry);
    } else {
      this.#make(type, path, entry);
    }
  }

  finish(diffId: string, input: TarInput): IndexSummary {
    const deferredHardlinks = this.#late.settle();
    const whiteouts = new Map([...this.#whiteouts].map(([path, offset]) => [this.#resolveParent(path), offset]));
    const opaques = new Map([...this.#opaques].map(([path, offset]) => [this.#tree.resolve(path), offset]));
    const flags = recordFlag.absent;
    for (const [path, offset] of whiteouts) this.#index.add('whiteout', path, { ...nothing, offset }, { flags });
    for (const [path, offset] of opaques) this.#index.add('opaque', path, { ...nothing, offset }, { flags });
    const implied = this.#tree.implied();
    for (const { path, fields } of implied) this.#index.add('directory', path, fields, { flags: recordFlag.implied });
    return this.#index.finish(({ entries, bytes }) => ({
      diffId,
      entries,
      bytes,
      tarBytes: input.offset,
      whiteouts: [...whiteouts.keys()],
      opaques: [...opaques.keys()],
      impliedDirectories: implied.map(({ path }) => path),
      deferredHardlinks,
      rootEntry: this.#rootEntry,
      warnings: [],
    }));
  }

  close(): void {
    this.#index.close();
  }

  #root(entry: TarEntry): void {
    if (entry.type !== TarType.directory) throw invalid('the root of a layer can only be a directory');
    if (this.#rootEntry) this.#index.replace('' as BytePath, false);
    this.#rootEntry = true;
    this.#index.add('directory', '' as BytePath, entry);
  }

  #make(type: EntryType, path: BytePath, entry: TarEntry): void {
    this.#tree.cause = { offset: entry.offset, seconds: entry.seconds, nanoseconds: entry.nanoseconds };
    const parent = this.#tree.ensure(parentPath(path));
    const name = baseName(path);
    const place = joinPath(parent.path, name);
    if (this.#late.size > 0) this.#late.drop(place);
    if (type === 'hardlink') {
      this.#hardlink(path, place, entry);
      return;
    }
    if (type === 'symlink' && entry.link === '') throw invalid('it is a symlink to nowhere');
    if (type === 'directory') this.#tree.putDirectory(parent, name);
    else if (type === 'symlink') this.#tree.putSymlink(parent, name, entry.link);
    else this.#tree.putOther(parent, name);
    this.#index.add(type, place, entry, type === 'symlink' ? { link: entry.link } : {});
  }

  #hardlink(path: BytePath, place: BytePath, entry: TarEntry): void {
    const target = normalizeName(entry.link);
    if (target === '') throw invalid('it is a hardlink to the root');
    const parent = this.#tree.ensure(parentPath(path));
    const name = baseName(path);
    const resolved = this.#resolveParent(target);
    const isAside = parseWhiteout(target)?.kind === 'aufs-link' && this.#aside.has(target);
    if (isAside) this.#tree.putOther(parent, name);
    if (isAside || this.#tree.putHardlink(parent, name, target)) {
      // A link to itself changes nothing.
      if (resolved !== place) this.#index.add('hardlink', place, entry, { link: resolved });
    } else {
      this.#tree.clear(parent, name);
      this.#late.add(place, target, entry);
    }
  }

  #linkLate(path: BytePath, target: BytePath): boolean | 'impossible' {
    const parent = this.#tree.get(path) === undefined ? this.#tree.get(parentPath(path)) : undefined;
    return parent === undefined ? 'impossible' : this.#tree.putHardlink(parent, baseName(path), target);
  }

  #resolveParent(path: BytePath): BytePath {
    return joinPath(this.#tree.resolve(parentPath(path)), baseName(path));
  }
}
