import { lastErrno, mkdirAt, readlinkAt } from '@boxkit/linux';
import { joinPath, type BytePath } from '../byte-path.ts';
import { leadsBack } from '../missing-parts.ts';
import type { BudgetLimits } from './budgets.ts';
import { type Directory, impliedMode } from './directory.ts';
import { DirectoryDescriptors } from './directory-descriptors.ts';
import { failedCall } from './failed-call.ts';
import { exceeded, invalid } from './layer-error.ts';
import { NameBuffer } from './name-buffer.ts';

export interface DirectoryHooks {
  /** Removes whatever is not a directory at a name. */
  replace(parent: Directory, name: string): void;
  /** Before a directory is made that no entry asked for; throws to stop. */
  onImplied(): void;
}

/** During the extraction, whatever the final mode: the extractor must be able to write. */
const workingMode = 0o700;
const mostSymlinks = 40;
/** Steps along symlinks in one layer: far more than any real layer takes, few enough to end soon. */
const mostSteps = 2 ** 25;

/**
 * Every directory of the staged tree, by its path. Nothing is ever reached by a path that the kernel resolves through a
 * symlink: a parent is looked up here, or component by component.
 */
export class DirectoryTable {
  readonly root: Directory;
  /** Directories in the order they were made: parents before children. */
  readonly order: Directory[] = [];
  /** The entry being worked on: implied directories take its time and offset. */
  cause = { offset: 0, seconds: 0, nanoseconds: 0 };
  readonly #byPath = new Map<string, Directory>();
  readonly #descriptors: DirectoryDescriptors;
  readonly #names = new NameBuffer();
  readonly #link = Buffer.alloc(4096);
  readonly #limits: BudgetLimits;
  readonly #hooks: DirectoryHooks;
  #steps = 0;
  #lastPath: string | undefined;
  #last: Directory;

  /** `rootFd` is the tree's own descriptor, which stays open. */
  constructor(rootFd: number, limits: BudgetLimits, hooks: DirectoryHooks) {
    this.#limits = limits;
    this.#hooks = hooks;
    const root = { ...this.#fresh('' as BytePath, ''), fd: rootFd } as Directory & { parent: Directory };
    root.parent = root;
    this.root = root;
    this.#descriptors = new DirectoryDescriptors(root);
    this.#last = root;
    this.#byPath.set('', root);
  }

  get(path: BytePath): Directory | undefined {
    return this.#byPath.get(path);
  }

  /** Forget shortcuts: a name that may have been part of a path has changed its meaning. */
  invalidate(): void {
    this.#lastPath = undefined;
  }

  /** The directory that `path` leads to, missing parts made as implied directories. */
  ensure(path: BytePath): Directory {
    if (path === this.#lastPath) return this.#last;
    const found = this.#byPath.get(path) ?? this.#walk(path, true) ?? this.root;
    this.#lastPath = path;
    this.#last = found;
    return found;
  }

  /** The directory that `path` leads to, if this layer has it. */
  find(path: BytePath): Directory | undefined {
    return this.#byPath.get(path) ?? this.#walk(path, false);
  }

  /** Where `path` leads after the symlinks that this layer has on the way; what it does not have stays as it is. */
  resolve(path: BytePath): BytePath {
    if (this.#byPath.has(path)) return path;
    let rest: BytePath | undefined;
    this.#walk(path, false, (missing) => (rest = missing));
    return rest ?? this.find(path)?.path ?? path;
  }

  /** Whether something that is no directory stands where `path` would lead. */
  isBlocked(path: BytePath): boolean {
    let blocked = false;
    if (!this.#byPath.has(path)) this.#walk(path, false, (_rest, what) => (blocked = what === 'other'));
    return blocked;
  }

  /** Makes `name` in `parent`, where nothing is. */
  make(parent: Directory, name: string, implied: boolean): Directory {
    const made = this.tryMake(parent, name, implied);
    if (made === undefined) throw failedCall('mkdirat', 'EEXIST');
    return made;
  }

  /** As `make`; undefined when something is there. */
  tryMake(parent: Directory, name: string, implied: boolean): Directory | undefined {
    if (mkdirAt(this.fdOf(parent), this.#names.set(name), workingMode) !== 0) {
      const errno = lastErrno();
      if (errno === 'EEXIST') return undefined;
      throw failedCall('mkdirat', errno);
    }
    return this.#add(parent, name, implied);
  }

  /** Drops a directory that has been removed from the disk, and all below it. */
  forget(directory: Directory): void {
    directory.parent.children?.delete(directory);
    const pending = [directory];
    for (let gone = pending.pop(); gone !== undefined; gone = pending.pop()) {
      gone.alive = false;
      this.#byPath.delete(gone.path);
      this.#descriptors.close(gone);
      for (const child of gone.children ?? []) pending.push(child);
    }
    this.invalidate();
  }

  /** A descriptor of the directory, good until the next call of this method but 100. */
  fdOf(directory: Directory): number {
    return directory.fd === -1 ? this.#descriptors.of(directory) : directory.fd;
  }

  /** Closes all descriptors but the root's. */
  closeAll(): void {
    this.#descriptors.closeAll();
  }

  #walk(
    path: BytePath,
    create: boolean,
    onMissing?: (rest: BytePath, what: 'missing' | 'other') => void,
  ): Directory | undefined {
    const components = path.split('/').toReversed();
    let current = this.root;
    let symlinks = 0;
    for (let name = components.pop(); name !== undefined; name = components.pop()) {
      if (symlinks > 0 && ++this.#steps > mostSteps) throw invalid('symlinks lead round and round');
      if (name === '' || name === '.') continue;
      if (name === '..') {
        current = current.parent;
        continue;
      }
      const child = this.#byPath.get(joinPath(current.path, name));
      if (child !== undefined) {
        current = child;
        continue;
      }
      const target = this.#readlink(current, name);
      if (target.kind === 'symlink') {
        if (++symlinks > mostSymlinks) throw invalid('symlinks on the way to it form a loop');
        if (target.text.startsWith('/')) current = this.root;
        components.push(...target.text.split('/').toReversed());
        if (components.length > 8192) throw invalid('symlinks on the way to it lead too deep');
        continue;
      }
      if (!create) {
        onMissing?.(remaining(current, [...components, name]), target.kind);
        return undefined;
      }
      if (target.kind === 'missing' && leadsBack(components)) continue;
      if (target.kind === 'other') this.#hooks.replace(current, name);
      this.#hooks.onImplied();
      current = this.make(current, name, true);
    }
    return current;
  }

  #readlink(parent: Directory, name: string): { kind: 'symlink'; text: string } | { kind: 'missing' | 'other' } {
    const length = readlinkAt(this.fdOf(parent), this.#names.set(name), this.#link, this.#link.length);
    if (length !== -1) return { kind: 'symlink', text: this.#link.toString('latin1', 0, length) };
    const errno = lastErrno();
    if (errno === 'ENOENT') return { kind: 'missing' };
    if (errno === 'EINVAL') return { kind: 'other' };
    if (errno === 'ENAMETOOLONG') throw exceeded('nameLength', this.#limits.nameLength, 'bytes in a name');
    throw failedCall('readlinkat', errno);
  }

  #add(parent: Directory, name: string, implied: boolean): Directory {
    const path = joinPath(parent.path, name);
    const depth = parent.depth + 1;
    if (depth > this.#limits.depth) throw exceeded('depth', this.#limits.depth, 'directories in one another');
    if (path.length > this.#limits.pathLength) {
      throw exceeded('pathLength', this.#limits.pathLength, 'bytes in a path');
    }
    const directory: Directory = { ...this.#fresh(path, name), parent, depth, implied };
    (parent.children ??= new Set()).add(directory);
    this.#byPath.set(path, directory);
    this.order.push(directory);
    return directory;
  }

  #fresh(path: BytePath, name: string): Omit<Directory, 'parent'> {
    return {
      path,
      name,
      depth: 0,
      children: undefined,
      implied: true,
      alive: true,
      mode: impliedMode,
      uid: 0,
      gid: 0,
      seconds: this.cause.seconds,
      nanoseconds: this.cause.nanoseconds,
      xattrs: undefined,
      offset: this.cause.offset,
      fd: -1,
    };
  }
}

/** A path below a directory that exists, of components that do not, in reverse. `..` is taken back lexically. */
function remaining(current: Directory, reversed: readonly string[]): BytePath {
  const parts = current.path === '' ? [] : current.path.split('/');
  for (const name of reversed.toReversed()) {
    if (name === '..') parts.pop();
    else if (name !== '' && name !== '.') parts.push(name);
  }
  return parts.join('/') as BytePath;
}
