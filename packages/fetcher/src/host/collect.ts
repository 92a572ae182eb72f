import { accessSync, constants, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readProgramHead, type ElfFile, type ProgramHead } from './elf.ts';
import { HostProgramError, reasonOf, type HostProblem } from './errors.ts';
import { HostTree } from './host-tree.ts';
import { candidates, chainOf, defaultDirectories, muslPathFile, type LoadedObject } from './library-search.ts';
import { readLoaderCache, type LoaderCache } from './loader-cache.ts';
import { findProgram } from './path.ts';
import { addSkeleton, programList } from './skeleton.ts';

/** The kernel follows `#!` this often (BINPRM depth). */
const scriptDepth = 5;

/** A chosen set of programs with all they need to start, ready to be packed. */
export interface Collection {
  readonly tree: HostTree;
  /** What runs when the caller names no command. */
  readonly command: string;
}

/** Finds the programs, their libraries and interpreters. Throws ERR_BOX_HOST_PROGRAM with everything that is missing, not the first alone. */
export function collect(programs: readonly string[], searchPath: string | undefined): Collection {
  return new Collector(searchPath).collect(programs);
}

class Collector {
  readonly #tree = new HostTree();
  readonly #visited = new Set<string>();
  readonly #libraries = new Map<string, ElfFile | undefined>();
  readonly #problems: HostProblem[] = [];
  readonly #searchPath: string | undefined;
  #cache: LoaderCache | undefined;

  constructor(searchPath: string | undefined) {
    this.#searchPath = searchPath;
  }

  collect(programs: readonly string[]): Collection {
    const found = programs.map((name) => ({ name, path: this.#find(name) }));
    const shell =
      found.find(({ name }) => basename(name) === 'sh') ??
      found.find(({ name }) => /^(?:ba|da|z|k)?sh$/.test(basename(name)));
    addSkeleton(this.#tree, shell?.path);
    for (const { name, path } of found) if (path !== undefined) this.#addProgram(name, path);
    if (this.#problems.length > 0) throw new HostProgramError(this.#problems);
    const list = found
      .map(({ path }) => `${path}\n`)
      .sort()
      .join('');
    this.#tree.set('finish', programList, { type: 'text', mode: 0o644, text: list });
    return { tree: this.#tree, command: shell?.name ?? programs[0] ?? 'sh' };
  }

  #find(name: string): string | undefined {
    const path = findProgram(name, this.#searchPath);
    if (path === undefined) this.#problems.push({ program: name, reason: 'not found on this machine' });
    return path;
  }

  #addProgram(name: string, path: string, script?: { readonly name: string; readonly depth: number }): void {
    const asked = script?.name ?? name;
    const what = script === undefined ? undefined : `its interpreter ${path}`;
    const work = () => {
      accessSync(path, constants.X_OK);
      if (!statSync(path).isFile()) throw new Error('it is no regular file');
      const real = this.#tree.add('programs', path);
      this.#linkIntoPath(name, path);
      if (this.#visited.has(real)) return;
      this.#visited.add(real);
      const head = readProgramHead(real);
      if (head.kind === 'elf') this.#addNeeds(asked, { path: real, elf: head.elf });
      if (head.kind === 'script') this.#addInterpreter(asked, head, (script?.depth ?? 0) + 1);
    };
    this.#attempt(asked, work, what);
  }

  /** A program found elsewhere through the caller's PATH must be found by the image's PATH too. */
  #linkIntoPath(name: string, path: string): void {
    const usual = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
    if (name.startsWith('/') || usual.includes(dirname(path))) return;
    const link = join(this.#tree.directory('programs', '/usr/local/bin', 0o755), name);
    if (!this.#tree.has(link)) this.#tree.set('programs', link, { type: 'link', target: path });
  }

  #addInterpreter(name: string, script: Extract<ProgramHead, { kind: 'script' }>, depth: number): void {
    if (depth > scriptDepth) throw new Error('its interpreters are scripts without end');
    this.#addProgram(script.interpreter, script.interpreter, { name, depth });
    if (basename(script.interpreter) !== 'env') return;
    // `#!/usr/bin/env [-S] [NAME=VALUE...] program [argument...]`
    const wanted = (script.argument ?? '')
      .split(/\s+/)
      .find((word) => word !== '' && !word.startsWith('-') && !word.includes('='));
    if (wanted === undefined) return;
    const path = findProgram(wanted, this.#searchPath);
    if (path === undefined) throw new Error(`its interpreter ${JSON.stringify(wanted)} was not found`);
    this.#addProgram(wanted, path, { name, depth });
  }

  #addNeeds(name: string, object: LoadedObject): void {
    const { interpreter } = object.elf;
    if (interpreter !== undefined) {
      this.#attempt(name, () => this.#tree.add('libraries', interpreter), `its loader ${interpreter}`);
      if (basename(interpreter).startsWith('ld-musl-')) this.#addOptional(muslPathFile(interpreter));
    }
    for (const soname of object.elf.needed) this.#addLibrary(name, soname, object);
    // Until 2.34 glibc opened this by name when it looked up an account.
    if (object.elf.needed.includes('libc.so.6')) {
      const file = this.#resolve('libnss_files.so.2', object);
      if (file !== undefined) this.#tree.add('libraries', file.path);
    }
  }

  #addLibrary(name: string, soname: string, needer: LoadedObject): void {
    const found = this.#resolve(soname, needer);
    if (found === undefined) {
      this.#problems.push({ program: name, reason: `needs ${soname} (for ${needer.path}), which was not found` });
      return;
    }
    this.#attempt(name, () => {
      this.#tree.add('libraries', found.path);
      if (found.byCache) this.#linkBesideLibc(soname, found.path, needer);
      const key = `${found.path}\0${inherited(needer)}`;
      if (this.#visited.has(key)) return;
      this.#visited.add(key);
      this.#addNeeds(name, { path: found.path, elf: found.elf, loader: needer });
    });
  }

  /** The image has no loader cache: what only the cache leads to is linked from a directory that every loader searches. */
  #linkBesideLibc(soname: string, path: string, needer: LoadedObject): void {
    const libc = this.#resolve('libc.so.6', needer);
    const directory = libc === undefined ? defaultDirectories(needer.elf).at(-1) : dirname(libc.path);
    if (directory === undefined) return;
    const link = join(this.#tree.add('libraries', directory), soname);
    if (!this.#tree.has(link)) this.#tree.set('libraries', link, { type: 'link', target: path });
  }

  #resolve(soname: string, needer: LoadedObject): { path: string; byCache: boolean; elf: ElfFile } | undefined {
    this.#cache ??= readLoaderCache();
    for (const { path, byCache } of candidates(soname, needer, this.#cache)) {
      const elf = this.#libraryAt(path);
      if (elf !== undefined && fits(elf, needer.elf)) return { path, byCache, elf };
    }
    return undefined;
  }

  #libraryAt(path: string): ElfFile | undefined {
    if (this.#libraries.has(path)) return this.#libraries.get(path);
    let elf: ElfFile | undefined;
    try {
      const head = readProgramHead(path);
      if (head.kind === 'elf') elf = head.elf;
    } catch {
      // Absent, unreadable or broken: the loader goes on to the next directory.
    }
    this.#libraries.set(path, elf);
    return elf;
  }

  #addOptional(path: string): void {
    try {
      this.#tree.add('libraries', path);
    } catch {
      // Its default needs no file.
    }
  }

  #attempt(program: string, work: () => void, what?: string): void {
    try {
      work();
    } catch (error) {
      this.#problems.push({ program, reason: what === undefined ? reasonOf(error) : `${what}: ${reasonOf(error)}` });
    }
  }
}

/** What a library's own needs depend on beside itself: the RPATHs that led to it, each once, since libraries may need each other in a circle. */
function inherited(object: LoadedObject): string {
  const paths = chainOf(object).flatMap(({ path, elf }) => elf.rpath.map((entry) => `${dirname(path)}=${entry}`));
  return [...new Set(paths)].sort().join('\0');
}

/** As the loader: a library of another class or machine is passed over. */
function fits(library: ElfFile, needer: ElfFile): boolean {
  return (
    library.bits === needer.bits && library.machine === needer.machine && library.littleEndian === needer.littleEndian
  );
}
