import { readFileSync, readdirSync } from 'node:fs';
import { endianness } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';

/** Where the dynamic loader finds libraries that no program names a directory for. ld.so(8). */
export interface LoaderCache {
  /** Paths of a soname, the loader's first choice first. */
  find(soname: string): readonly string[];
}

const magic = 'glibc-ld.so.cache1.1';
const headerSize = 48;
const entrySize = 24;

/** Reads /etc/ld.so.cache, or the directories of /etc/ld.so.conf where there is no cache. */
export function readLoaderCache(cachePath = '/etc/ld.so.cache', confPath = '/etc/ld.so.conf'): LoaderCache {
  const cache = parseLoaderCache(readIfThere(cachePath));
  if (cache !== undefined) return { find: (soname) => cache.get(soname) ?? [] };
  const directories = readLoaderConf(confPath);
  return { find: (soname) => directories.map((directory) => join(directory, soname)) };
}

/** Parses glibc's cache (dl-cache.h, `struct cache_file_new`); undefined when `bytes` is none. */
export function parseLoaderCache(bytes: Buffer | undefined): Map<string, readonly string[]> | undefined {
  // A cache for old loaders starts with the old table; the new one follows, and its offsets count from its own start.
  const start = bytes?.indexOf(magic, 0, 'latin1') ?? -1;
  if (bytes === undefined || start === -1) return undefined;
  const cache = bytes.subarray(start);
  if (cache.length < headerSize) return undefined;
  const word = (at: number) => (endianness() === 'LE' ? cache.readUInt32LE(at) : cache.readUInt32BE(at));
  const string = (at: number) => cache.toString('utf8', at, cache.indexOf(0, at));

  const plain = new Map<string, string[]>();
  for (let index = 0; index < word(20); index += 1) {
    const at = headerSize + index * entrySize;
    if (at + entrySize > cache.length) return undefined;
    // Variants for one kind of processor are left out: the image must run wherever the architecture fits.
    if (word(at + 16) !== 0 || word(at + 20) !== 0) continue;
    const soname = string(word(at + 4));
    const paths = plain.get(soname);
    if (paths === undefined) plain.set(soname, [string(word(at + 8))]);
    else paths.push(string(word(at + 8)));
  }
  return plain;
}

/** The directories of ld.so.conf, with its `include` lines followed (`*` and `?` in the last component, as ldconfig has them). */
export function readLoaderConf(path: string, depth = 0): readonly string[] {
  if (depth > 8) return [];
  const lines = readIfThere(path)?.toString('utf8').split('\n') ?? [];
  return lines
    .map((line) => line.replace(/#.*/, '').trim())
    .flatMap((line) => {
      const included = /^include\s+(.+)$/.exec(line)?.[1];
      if (included === undefined) return isAbsolute(line) ? [line] : [];
      return included
        .split(/\s+/)
        .flatMap((pattern) => expand(join(isAbsolute(pattern) ? '/' : dirname(path), pattern)))
        .flatMap((file) => readLoaderConf(file, depth + 1));
    });
}

function expand(pattern: string): readonly string[] {
  const directory = dirname(pattern);
  const name = pattern.slice(directory.length + (directory === '/' ? 0 : 1));
  const expression = new RegExp(
    `^${name
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );
  return namesIn(directory)
    .filter((each) => expression.test(each))
    .sort()
    .map((each) => join(directory, each));
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    // An absent or unreadable file is an absent cache, to ld.so as well.
    return undefined;
  }
}
