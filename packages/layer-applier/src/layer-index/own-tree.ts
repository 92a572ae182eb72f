import { baseName, joinPath, parentPath, type BytePath } from '../byte-path.ts';
import { impliedMode } from '../extract/directory.ts';
import type { BudgetLimits } from '../extract/budgets.ts';
import { exceeded, invalid } from '../extract/layer-error.ts';
import { grown } from '../indexed/grown.ts';
import { leadsBack } from '../missing-parts.ts';
import { NameTable } from '../indexed/name-table.ts';
import type { RecordFields } from './index-writer.ts';

const kind = { none: 0, other: 1, symlink: 2, directory: 3 } as const;

/** A directory of the layer, and where it is. */
export interface OwnDirectory {
  readonly node: number;
  readonly path: BytePath;
}

export interface ImpliedDirectory {
  readonly path: BytePath;
  readonly fields: RecordFields;
}

export interface OwnTreeHooks {
  /** Before a directory is made that no entry asked for; throws to stop. */
  onImplied(): void;
  /** A path gives way to a later entry. */
  onReplace(path: BytePath, wasDirectory: boolean): void;
}

const mostSymlinks = 40;
/** Steps along symlinks in one layer: far more than any real layer takes, few enough to end soon. */
const mostSteps = 2 ** 25;

/**
 * What is at which path of one layer, so far as its tar has been read: what an extraction asks the disk for. Some 30 bytes for
 * a name, and the targets of symlinks.
 */
export class OwnTree {
  readonly root: OwnDirectory;
  /** The entry being worked on: implied directories take its time and offset. */
  cause = { offset: 0, seconds: 0, nanoseconds: 0 };
  /** A directory that was removed and is made again is another one, so that what it held is not found. */
  readonly #names = new NameTable();
  readonly #targets = new Map<number, string>();
  readonly #implied = new Map<number, ImpliedDirectory>();
  readonly #limits: BudgetLimits;
  readonly #hooks: OwnTreeHooks;
  #kind = new Uint8Array(1024);
  #steps = 0;
  #lastPath: string | undefined;
  #last: OwnDirectory;

  constructor(limits: BudgetLimits, hooks: OwnTreeHooks) {
    this.#limits = limits;
    this.#hooks = hooks;
    this.root = { node: this.#add(0, '', kind.directory), path: '' as BytePath };
    this.#last = this.root;
  }

  /** The directory that `path` leads to, missing parts made as implied directories. */
  ensure(path: BytePath): OwnDirectory {
    if (path === this.#lastPath) return this.#last;
    this.#last = this.#walk(path, { create: true }) ?? this.root;
    this.#lastPath = path;
    return this.#last;
  }

  /** The directory that `path` leads to, if this layer has it. */
  find(path: BytePath): OwnDirectory | undefined {
    return this.#walk(path, {});
  }

  /** The directory at a path, no symlink followed. */
  get(path: BytePath): OwnDirectory | undefined {
    let node = this.root.node;
    for (const name of path === '' ? [] : path.split('/')) {
      node = this.#at(node, name);
      if (node < 0 || this.#kind[node] !== kind.directory) return undefined;
    }
    return { node, path };
  }

  /** Where `path` leads after the symlinks that this layer has on the way; what it does not have stays as it is. */
  resolve(path: BytePath): BytePath {
    let rest: BytePath | undefined;
    const found = this.#walk(path, { onMissing: (missing) => (rest = missing) });
    return rest ?? found?.path ?? path;
  }

  /** A file, a device, a fifo: takes the place of what was there. */
  putOther(parent: OwnDirectory, name: string): void {
    this.clear(parent, name);
    this.#add(parent.node, name, kind.other);
  }

  putSymlink(parent: OwnDirectory, name: string, target: string): void {
    this.clear(parent, name);
    this.#targets.set(this.#add(parent.node, name, kind.symlink), target);
  }

  putDirectory(parent: OwnDirectory, name: string): void {
    const there = this.#at(parent.node, name);
    if (there >= 0 && this.#kind[there] === kind.directory) {
      if (!this.#implied.delete(there)) this.#hooks.onReplace(joinPath(parent.path, name), false);
      return;
    }
    this.clear(parent, name);
    this.#makeDirectory(parent, name);
  }

  /** False when this layer has no such target (yet). What stands at the link's place is removed only for success. */
  putHardlink(parent: OwnDirectory, name: string, target: BytePath): boolean {
    const from = this.find(parentPath(target));
    const linked = from === undefined ? -1 : this.#at(from.node, baseName(target));
    if (from === undefined || linked < 0) return false;
    if (this.#kind[linked] === kind.directory) throw invalid('it is a hardlink to a directory');
    const place = joinPath(parent.path, name);
    if (from.path === place || from.path.startsWith(`${place}/`)) {
      throw invalid('it is a hardlink to something that lies below itself');
    }
    if (linked === this.#at(parent.node, name)) return true;
    this.clear(parent, name);
    const link = this.#targets.get(linked);
    const node = this.#add(parent.node, name, link === undefined ? kind.other : kind.symlink);
    if (link !== undefined) this.#targets.set(node, link);
    return true;
  }

  /** Removes whatever stands at a name. */
  clear(parent: OwnDirectory, name: string): void {
    const there = this.#at(parent.node, name);
    if (there < 0) return;
    const wasDirectory = this.#kind[there] === kind.directory;
    this.#kind[there] = kind.none;
    this.#targets.delete(there);
    this.#implied.delete(there);
    this.#lastPath = undefined;
    this.#hooks.onReplace(joinPath(parent.path, name), wasDirectory);
  }

  /** Directories without an entry of their own, parents first. */
  implied(): ImpliedDirectory[] {
    return [...this.#implied].flatMap(([node, one]) => (this.get(one.path)?.node === node ? [one] : []));
  }

  #walk(
    path: BytePath,
    { create = false, onMissing }: { readonly create?: boolean; readonly onMissing?: (rest: BytePath) => void },
  ): OwnDirectory | undefined {
    const components = path.split('/').toReversed();
    const stack: OwnDirectory[] = [];
    let symlinks = 0;
    for (let name = components.pop(); name !== undefined; name = components.pop()) {
      if (symlinks > 0 && ++this.#steps > mostSteps) throw invalid('symlinks lead round and round');
      if (name === '' || name === '.') continue;
      if (name === '..') {
        stack.pop();
        continue;
      }
      const current = stack.at(-1) ?? this.root;
      const node = this.#at(current.node, name);
      const found = node < 0 ? kind.none : this.#kind[node];
      if (found === kind.directory) {
        stack.push({ node, path: joinPath(current.path, name) });
      } else if (found === kind.symlink) {
        const target = this.#targets.get(node) ?? '';
        if (++symlinks > mostSymlinks) throw invalid('symlinks on the way to it form a loop');
        if (target.startsWith('/')) stack.length = 0;
        components.push(...target.split('/').toReversed());
        if (components.length > 8192) throw invalid('symlinks on the way to it lead too deep');
      } else if (create) {
        if (found === kind.none && leadsBack(components)) continue;
        if (found === kind.other) this.clear(current, name);
        stack.push(this.#imply(current, name));
      } else {
        onMissing?.(remaining(current.path, [...components, name]));
        return undefined;
      }
    }
    return stack.at(-1) ?? this.root;
  }

  #imply(parent: OwnDirectory, name: string): OwnDirectory {
    this.#hooks.onImplied();
    const made = this.#makeDirectory(parent, name);
    const numbers = { mode: impliedMode, uid: 0, gid: 0, size: 0, major: 0, minor: 0 };
    this.#implied.set(made.node, { path: made.path, fields: { ...numbers, xattrs: undefined, ...this.cause } });
    return made;
  }

  #makeDirectory(parent: OwnDirectory, name: string): OwnDirectory {
    const path = joinPath(parent.path, name);
    const { depth, pathLength } = this.#limits;
    if (path.length > pathLength) throw exceeded('pathLength', pathLength, 'bytes in a path');
    if (path.split('/').length > depth) throw exceeded('depth', depth, 'directories in one another');
    return { node: this.#add(parent.node, name, kind.directory), path };
  }

  #at(directory: number, name: string): number {
    const node = this.#names.find(directory, name);
    return node >= 0 && this.#kind[node] !== kind.none ? node : -1;
  }

  #add(directory: number, name: string, as: number): number {
    const node = this.#names.add(directory, name);
    this.#kind = grown(this.#kind, node + 1);
    this.#kind[node] = as;
    return node;
  }
}

/** A path below a directory that exists, of components that do not, in reverse. `..` is taken back lexically. */
function remaining(path: BytePath, reversed: readonly string[]): BytePath {
  const parts = path === '' ? [] : path.split('/');
  for (const name of reversed.toReversed()) {
    if (name === '..') parts.pop();
    else if (name !== '' && name !== '.') parts.push(name);
  }
  return parts.join('/') as BytePath;
}
