import { basename, dirname, isAbsolute, join } from 'node:path';
import { readFileSync } from 'node:fs';
import type { ElfFile } from './elf.ts';
import type { LoaderCache } from './loader-cache.ts';

/** A program or library as the loader sees it: its headers, the path it was opened by, and what needed it. */
export interface LoadedObject {
  readonly path: string;
  readonly elf: ElfFile;
  readonly loader?: LoadedObject;
}

/** A place to look for a library; `byCache` when only the host's loader cache leads there. */
export interface Candidate {
  readonly path: string;
  readonly byCache: boolean;
}

const triplets: Readonly<Record<number, readonly string[]>> = {
  3: ['i386-linux-gnu'],
  20: ['powerpc-linux-gnu'],
  21: ['powerpc64le-linux-gnu', 'powerpc64-linux-gnu'],
  22: ['s390x-linux-gnu'],
  40: ['arm-linux-gnueabihf', 'arm-linux-gnueabi'],
  62: ['x86_64-linux-gnu', 'x86_64-linux-gnux32'],
  183: ['aarch64-linux-gnu'],
  243: ['riscv64-linux-gnu', 'riscv32-linux-gnu'],
  258: ['loongarch64-linux-gnu'],
};

const platforms: Readonly<Record<number, string>> = {
  3: 'i686',
  21: 'power8',
  22: 'z900',
  40: 'v7l',
  62: 'x86_64',
  183: 'aarch64',
};

/** Directories that the loader is built with: Debian's multiarch ones, then those of everyone else. */
export function defaultDirectories(elf: ElfFile): readonly string[] {
  const multiarch = (triplets[elf.machine] ?? []).flatMap((triplet) => [`/lib/${triplet}`, `/usr/lib/${triplet}`]);
  const wide = elf.bits === 64 ? ['/lib64', '/usr/lib64'] : ['/lib32', '/usr/lib32'];
  return [...multiarch, ...wide, '/lib', '/usr/lib'];
}

/** The paths that ld.so tries for `soname`, in its order. ld.so(8); LD_LIBRARY_PATH is not asked, the image has none. */
export function candidates(soname: string, needer: LoadedObject, cache: LoaderCache): readonly Candidate[] {
  if (soname.includes('/')) return isAbsolute(soname) ? [{ path: soname, byCache: false }] : [];
  const musl = muslLoader(needer);
  if (musl !== undefined) return muslCandidates(soname, needer, musl);
  const named = searchPath(needer).map((directory) => `${directory}/${soname}`);
  const usual = defaultDirectories(needer.elf);
  const cached = cache.find(soname).map((path) => ({ path, byCache: !usual.includes(dirname(path)) }));
  return [
    ...named.map((path) => ({ path, byCache: false })),
    ...cached,
    ...usual.map((directory) => ({ path: `${directory}/${soname}`, byCache: false })),
  ];
}

/** RPATH of the object and of all that led to it, unless it has a RUNPATH, which counts for its own needs alone. */
function searchPath(object: LoadedObject): readonly string[] {
  if (object.elf.runpath.length > 0) return object.elf.runpath.flatMap((entry) => expand(entry, object));
  return chainOf(object)
    .filter((each) => each.elf.runpath.length === 0)
    .flatMap((each) => each.elf.rpath.flatMap((entry) => expand(entry, each)));
}

/** The object, what needed it, and so on up to the program. */
export function chainOf(object: LoadedObject): readonly LoadedObject[] {
  return object.loader === undefined ? [object] : [object, ...chainOf(object.loader)];
}

/** Dynamic string tokens. An entry that is relative even so depends on the working directory: it names nothing here. */
function expand(entry: string, object: LoadedObject): readonly string[] {
  const libraryDirectories = [
    ...(triplets[object.elf.machine] ?? []).map((triplet) => `lib/${triplet}`),
    'lib64',
    'lib',
  ];
  const replaced = entry
    .replaceAll(/\$\{ORIGIN\}|\$ORIGIN(?![A-Za-z0-9_])/g, () => dirname(object.path))
    .replaceAll(/\$\{PLATFORM\}|\$PLATFORM(?![A-Za-z0-9_])/g, () => platforms[object.elf.machine] ?? '');
  const all = libraryDirectories.map((directory) =>
    replaced.replaceAll(/\$\{LIB\}|\$LIB(?![A-Za-z0-9_])/g, () => directory),
  );
  return [...new Set(all)].filter((path) => isAbsolute(path));
}

/** The path of musl's loader when it is what loads `object`. */
function muslLoader(object: LoadedObject): string | undefined {
  const interpreters = chainOf(object).flatMap((each) => each.elf.interpreter ?? []);
  return interpreters.find((path) => basename(path).startsWith('ld-musl-'));
}

const muslOwn = /^lib(?:c|pthread|rt|m|dl|util|xnet)\.so$|^libc\.musl-[^/]*\.so\.1$/;

/** musl's loader is its C library, and its search path stands in a file of its own. */
function muslCandidates(soname: string, needer: LoadedObject, loader: string): readonly Candidate[] {
  if (muslOwn.test(soname)) return [{ path: loader, byCache: false }];
  const named = chainOf(needer).flatMap((each) =>
    [...each.elf.rpath, ...each.elf.runpath].flatMap((entry) => expand(entry, each)),
  );
  return [...named, ...muslDirectories(loader)].map((directory) => ({
    path: `${directory}/${soname}`,
    byCache: false,
  }));
}

/** The file that holds musl's search path, for a loader `/lib/ld-musl-ARCH.so.1`. */
export function muslPathFile(loader: string): string {
  return join('/etc', basename(loader).replace(/\.so\.1$/, '.path'));
}

function muslDirectories(loader: string): readonly string[] {
  try {
    return readFileSync(muslPathFile(loader), 'utf8').split(/[:\n]/).filter(isAbsolute);
  } catch {
    return ['/lib', '/usr/local/lib', '/usr/lib'];
  }
}
