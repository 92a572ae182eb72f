import { closeSync, constants, fstatSync, openSync, readSync, readlinkSync, type Stats } from 'node:fs';
import type { Rootfs } from '@boxkit/contracts';
import { Layers, type Found } from './lookup.ts';

/** A file of a rootfs that was found without leaving it. */
export interface FoundFile {
  /** Absolute, inside the rootfs, without symlinks. */
  readonly path: string;
  /** Where it is on the host. */
  readonly hostPath: string;
  readonly stats: Stats;
}

/**
 * Reads a rootfs that is not mounted, as a process inside would see it: symlinks are followed inside only, whiteouts
 * and opaque directories of an overlay hide what lies below them. Nothing is ever opened through a symlink.
 */
export interface RootfsView {
  /** Finds an absolute path; undefined when it is missing, or not to be looked at by this user. */
  find(path: string): FoundFile | undefined;
  /** The same without following a symlink at the end of the path. */
  entry(path: string): FoundFile | undefined;
  /** The first `limit` bytes of a regular file; undefined for anything else. */
  read(path: string, limit: number): Buffer | undefined;
}

/** As many as the kernel follows. path_resolution(7). */
const mostSymlinks = 40;

/** Opens a view; nothing is read before it is asked for. */
export function viewRootfs(rootfs: Rootfs): RootfsView {
  const layers = new Layers(rootfs);
  const find = (path: string): FoundFile | undefined => resolve(layers, path);
  const entry = (path: string): FoundFile | undefined => resolve(layers, path, false);
  return { find, entry, read: (path, limit) => readStart(find(path), limit) };
}

function resolve(layers: Layers, path: string, followLast = true): FoundFile | undefined {
  const root = layers.root();
  if (root === undefined) return undefined;
  const stack: { readonly name: string; readonly found: Found }[] = [{ name: '', found: root }];
  const names = split(path);
  let symlinks = 0;
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    if (name === '..') {
      if (stack.length > 1) stack.pop();
      continue;
    }
    const found = layers.child(stack.at(-1)?.found ?? root, name);
    if (found === undefined) return undefined;
    if (!found.stats.isSymbolicLink() || (!followLast && names.length === 0)) {
      stack.push({ name, found });
      continue;
    }
    if (++symlinks > mostSymlinks) return undefined;
    const target = readlinkSync(found.places[0].path);
    if (target.startsWith('/')) stack.length = 1;
    names.unshift(...split(target));
  }
  const last = stack.at(-1)?.found ?? root;
  const inside = stack.map(({ name }) => name).join('/');
  return { path: inside === '' ? '/' : inside, hostPath: last.places[0].path, stats: last.stats };
}

function split(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

function readStart(file: FoundFile | undefined, limit: number): Buffer | undefined {
  if (file?.stats.isFile() !== true) return undefined;
  const fd = openForReading(file.hostPath);
  if (fd === undefined) return undefined;
  try {
    if (!fstatSync(fd).isFile()) return undefined;
    const bytes = Buffer.alloc(Math.min(limit, file.stats.size));
    let length = 0;
    for (let more = -1; more !== 0 && length < bytes.length; length += more) {
      more = readSync(fd, bytes, length, bytes.length - length, length);
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

function openForReading(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    // not ours to read
    return undefined;
  }
}
