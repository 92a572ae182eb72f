import { lstatSync, readlinkSync } from 'node:fs';
import { posix } from 'node:path';

/** The layers of a host image, lowest first. */
export const layerNames = ['base', 'libraries', 'programs', 'finish'] as const;
export type LayerName = (typeof layerNames)[number];

/** One path of the image to be. `mode` has the permission bits only. */
export type TreeEntry =
  | { readonly type: 'directory'; readonly mode: number }
  | { readonly type: 'link'; readonly target: string }
  | { readonly type: 'file'; readonly mode: number; readonly size: number; readonly source: string }
  | { readonly type: 'text'; readonly mode: number; readonly text: string };

/** The kernel's limit on symlinks in one path (MAXSYMLINKS). */
const linkLimit = 40;

/** Paths of this machine, chosen one by one, with every directory and symlink that leads to them. Keys are absolute. */
export class HostTree {
  readonly #layers = new Map<string, LayerName>();
  readonly #entries = new Map<string, TreeEntry>();

  /** Puts an entry of the image's own there; what the machine has at that path no longer counts. */
  set(layer: LayerName, path: string, entry: TreeEntry): void {
    this.#layers.set(path, layer);
    this.#entries.set(path, entry);
  }

  has(path: string): boolean {
    return this.#entries.has(path);
  }

  /** Makes a directory of the image's own where the machine's symlinks lead to; returns its real path. */
  directory(layer: LayerName, path: string, mode: number): string {
    const real = this.#follow(layer, path, { missing: 'directory' });
    if (this.#entries.get(real)?.type !== 'directory') this.set(layer, real, { type: 'directory', mode });
    return real;
  }

  /**
   * Adds what `path` leads to and all on the way: `/bin/sh` gives `/bin`, `/usr/bin/sh` and `/usr/bin/dash`.
   * Returns the real path. Throws the system's error for what does not exist or cannot be reached.
   */
  add(layer: LayerName, path: string): string {
    return this.#follow(layer, path, { missing: 'error' });
  }

  /** The entries of one layer, sorted by path, so that a directory comes before what it holds. */
  entries(layer: LayerName): readonly (readonly [path: string, entry: TreeEntry])[] {
    return [...this.#entries]
      .filter(([path]) => this.#layers.get(path) === layer)
      .sort(([left], [right]) => (left < right ? -1 : 1));
  }

  #follow(layer: LayerName, path: string, options: { readonly missing: 'error' | 'directory' }): string {
    let pending = components(path);
    let at = '/';
    for (let links = 0; pending.length > 0;) {
      const [name = '', ...rest] = pending;
      pending = rest;
      if (name === '..') {
        at = posix.dirname(at);
        continue;
      }
      at = posix.join(at, name);
      const entry = this.#read(layer, at, options.missing);
      if (entry.type !== 'link') continue;
      links += 1;
      if (links > linkLimit)
        throw Object.assign(new Error(`ELOOP: too many symbolic links, ${path}`), { code: 'ELOOP' });
      // `..` in a target counts from the link's own directory, which is real by now.
      pending = [...components(entry.target), ...pending];
      at = entry.target.startsWith('/') ? '/' : posix.dirname(at);
    }
    return at;
  }

  #read(layer: LayerName, path: string, missing: 'error' | 'directory'): TreeEntry {
    const known = this.#entries.get(path);
    if (known === undefined) {
      const entry = readEntry(path, missing);
      this.set(layer, path, entry);
      return entry;
    }
    const before = this.#layers.get(path) ?? layer;
    if (layerNames.indexOf(layer) < layerNames.indexOf(before)) this.#layers.set(path, layer);
    return known;
  }
}

function components(path: string): string[] {
  return path.split('/').filter((each) => each !== '' && each !== '.');
}

function readEntry(path: string, missing: 'error' | 'directory'): TreeEntry {
  const stat = lstatSync(path, { throwIfNoEntry: missing === 'error' });
  if (stat === undefined) return { type: 'directory', mode: 0o755 };
  if (stat.isSymbolicLink()) return { type: 'link', target: readlinkSync(path) };
  // Owners of this machine mean nothing in the image, so that set-id bits would make somebody else of root.
  const mode = stat.mode & 0o777;
  if (stat.isDirectory()) return { type: 'directory', mode };
  if (stat.isFile()) return { type: 'file', mode, size: stat.size, source: path };
  throw Object.assign(new Error(`${path} is neither a file nor a directory`), { code: 'EINVAL' });
}
