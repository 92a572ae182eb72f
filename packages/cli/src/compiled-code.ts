import fs from 'node:fs';
import { join } from 'node:path';
import { constants, Script } from 'node:vm';

/** A CommonJS file that an earlier process may have compiled. */
export interface CompiledFile {
  /** Absolute. */
  readonly file: string;
  /** All of its text, which is ASCII. */
  readonly source: string;
  /** Tells this source from every other. */
  readonly digest: string;
  /** The first word of the command line: each of the frequent ones has a cache of its own. */
  readonly command: string;
  /** Where caches are; undefined for none. */
  readonly directory: string | undefined;
}

/** Commands that are started often. What one of them has compiled is little use to another. */
const frequent = new Set(['run', 'exec', 'pull', 'ps']);
/** Caches kept, a megabyte each: a few versions of box, and of Node. */
const most = 16;

/**
 * Where compiled code of this user is kept. Not Node's default below /tmp: whoever made that directory first could feed
 * us code. For the same reason only where the directory above is our own, which under `sudo -E` it is not.
 */
export function cacheDirectory({ XDG_CACHE_HOME, HOME }: NodeJS.ProcessEnv): string | undefined {
  const [above, below] = XDG_CACHE_HOME ? [XDG_CACHE_HOME, 'box'] : [HOME ?? '', '.cache/box'];
  if (!above.startsWith('/')) return undefined;
  try {
    return fs.statSync(above).uid === process.getuid?.() ? join(above, below, 'compiled') : undefined;
  } catch {
    // There is no such directory, and it is not ours to make.
    return undefined;
  }
}

/**
 * Runs a CommonJS file and returns its exports. Node's own compile cache holds what is compiled when a file is loaded;
 * this one is made when the process ends, and so holds each function that the command has called as well. Without a
 * cache, or on a full disk, it goes on without.
 */
export function loadCompiled(compiled: CompiledFile, require: (name: string) => unknown): unknown {
  const { file, source, directory } = compiled;
  const path = directory === undefined ? undefined : join(directory, cacheName(compiled));
  const cachedData = path === undefined ? undefined : readOwn(path);
  const script = new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
    filename: file,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  const missing = cachedData === undefined || script.cachedDataRejected === true;
  if (path !== undefined && missing) process.once('exit', (code) => void (code === 0 && keep(path, script)));
  const module: { readonly exports: unknown } = { exports: {} };
  const run = script.runInThisContext() as (...parts: readonly unknown[]) => void;
  run(module.exports, require, module, file, join(file, '..'));
  return module.exports;
}

/** V8 itself rejects what another version of it, or other flags, have compiled. */
function cacheName({ digest, command }: CompiledFile): string {
  const of = frequent.has(command) ? command : 'other';
  return `main-${digest}-${process.version}-${process.arch}-${of}`;
}

/** The bytes of a file that nobody but this user can have written. */
function readOwn(path: string): Buffer | undefined {
  let fd: number | undefined;
  try {
    fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
    const { uid, mode } = fs.fstatSync(fd);
    return uid === process.getuid?.() && (mode & 0o022) === 0 ? fs.readFileSync(fd) : undefined;
  } catch {
    // not there yet
    return undefined;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

function keep(path: string, script: Script): void {
  const directory = join(path, '..');
  const staged = `${path}.${process.pid}`;
  try {
    for (const each of [join(directory, '../..'), join(directory, '..'), directory]) {
      if (!fs.existsSync(each)) fs.mkdirSync(each, { mode: 0o700 });
    }
    fs.writeFileSync(staged, script.createCachedData(), { mode: 0o600, flag: 'wx' });
    fs.renameSync(staged, path);
    removeOldest(directory);
  } catch {
    // a cache that cannot be written only costs the next start
    fs.rmSync(staged, { force: true });
  }
}

function removeOldest(directory: string): void {
  const caches = fs
    .readdirSync(directory)
    .filter((name) => name.startsWith('main-'))
    .map((name) => join(directory, name));
  const ages = new Map(caches.map((path) => [path, fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0]));
  const newestFirst = caches.toSorted((one, other) => (ages.get(other) ?? 0) - (ages.get(one) ?? 0));
  for (const path of newestFirst.slice(most)) fs.rmSync(path, { force: true });
}
