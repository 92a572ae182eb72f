import type { BytePath } from '../byte-path.ts';
import type { TarInput } from '../decode/tar-input.ts';
import { checkEntry } from '../extract/check-entry.ts';
import { invalid } from '../extract/layer-error.ts';
import { located } from '../extract/located.ts';
import type { Tally } from '../extract/tally.ts';
import { normalizeName } from '../tar/entry-name.ts';
import { TarType, type TarEntry } from '../tar/tar-entry.ts';
import { TarReader } from '../tar/tar-reader.ts';
import { parseWhiteout } from '../tar/whiteout-name.ts';
import { EntryListWriter, type EntryList, type ListedEntry } from './entry-list.ts';

const kinds = new Map<number, ListedEntry['type']>([
  [TarType.file, 'file'],
  [TarType.hardlink, 'hardlink'],
  [TarType.symlink, 'symlink'],
  [TarType.directory, 'directory'],
  [TarType.characterDevice, 'other'],
  [TarType.blockDevice, 'other'],
  [TarType.fifo, 'other'],
]);

/** Reads a tar to its end and lists its entries, within the budgets and by the rules of an extraction; makes nothing. */
export function listThrough(input: TarInput, tally: Tally, onEntry: () => void): EntryList {
  const reader = new TarReader(input, {
    headerBytes: tally.limits.headerBytes,
    onExtendedHeader: () => tally.entry(),
  });
  const list = new EntryListWriter();
  try {
    for (let entry = reader.next(); entry !== undefined; entry = reader.next()) {
      onEntry();
      tally.entry();
      const listed = listedEntry(entry, input.offset, tally);
      if (listed !== undefined) list.add(listed);
    }
    reader.entry.name = '';
    reader.drain();
    tally.flush();
    return list.finish();
  } catch (error) {
    throw located(error, reader.entry);
  }
}

function listedEntry(entry: TarEntry, offset: number, tally: Tally): ListedEntry | undefined {
  const kind = kinds.get(entry.type);
  if (kind === undefined) return undefined;
  const path = normalizeName(entry.name);
  const whiteout = parseWhiteout(path);
  checkEntry(entry, whiteout?.kind === 'whiteout' ? whiteout.path : path, tally.limits);
  const { size, segments } = entry;
  const found = { offset, size, segments, link: '' as BytePath };
  if (whiteout?.kind === 'aufs') return undefined;
  if (whiteout?.kind === 'aufs-link') {
    return kind === 'file' ? { ...found, type: 'aside', path: whiteout.name as BytePath } : undefined;
  }
  if (whiteout !== undefined)
    return { ...found, type: whiteout.kind, path: whiteout.path, size: 0, segments: undefined };
  if (path === '' && kind !== 'directory') throw invalid('the root of a layer can only be a directory');
  if (kind === 'symlink' && entry.link === '') throw invalid('it is a symlink to nowhere');
  const link = kind === 'hardlink' ? normalizeName(entry.link) : (entry.link as BytePath);
  if (kind === 'hardlink' && link === '') throw invalid('it is a hardlink to the root');
  return { ...found, type: kind, path, link: kind === 'hardlink' || kind === 'symlink' ? link : found.link };
}
