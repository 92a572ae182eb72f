import type { TarInput } from '../decode/tar-input.ts';
import { normalizeName } from '../tar/entry-name.ts';
import { TarType, type TarEntry } from '../tar/tar-entry.ts';
import { TarReader } from '../tar/tar-reader.ts';
import { parseWhiteout } from '../tar/whiteout-name.ts';
import { checkEntry } from './check-entry.ts';
import { invalid } from './layer-error.ts';
import { located } from './located.ts';
import type { Tally } from './tally.ts';

/** The types an extraction makes something of, as a range of flags. */
const isKnown = (type: number): boolean => type >= TarType.file && type <= TarType.fifo;

/**
 * Reads a tar to its end as an extraction would, and makes nothing of it; gives the number of entries. Throws, with the
 * entry and the offset, what the extraction would throw for names, numbers, budgets and the format.
 */
export function readThrough(input: TarInput, tally: Tally, onEntry: () => void): number {
  const reader = new TarReader(input, {
    headerBytes: tally.limits.headerBytes,
    onExtendedHeader: () => tally.entry(),
  });
  let entries = 0;
  try {
    for (let entry = reader.next(); entry !== undefined; entry = reader.next()) {
      onEntry();
      tally.entry();
      if (isKnown(entry.type)) check(entry, tally);
      if (entry.segments !== undefined) tally.holes(entry.size - reader.remaining);
      entries++;
    }
    reader.entry.name = '';
    reader.drain();
    tally.flush();
    return entries;
  } catch (error) {
    throw located(error, reader.entry);
  }
}

function check(entry: TarEntry, tally: Tally): void {
  const path = normalizeName(entry.name);
  const whiteout = parseWhiteout(path);
  checkEntry(entry, whiteout?.kind === 'whiteout' ? whiteout.path : path, tally.limits);
  if (whiteout !== undefined) return;
  if (path === '' && entry.type !== TarType.directory) throw invalid('the root of a layer can only be a directory');
  if (entry.type === TarType.symlink && entry.link === '') throw invalid('it is a symlink to nowhere');
  if (entry.type === TarType.hardlink) normalizeName(entry.link);
}
