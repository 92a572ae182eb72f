import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { isBoxError } from '@boxkit/contracts';
import { readIndex, type LayerEntry } from '@boxkit/layer-applier';

/** Entries between two looks at the signal. */
const batch = 1000;

/**
 * What is wrong with an extracted layer, in words: a file of its tree that is missing, or of another type, mode, size or
 * target than its index has it. Undefined for a sound one. Contents are not read: its blob is what proves those.
 */
export async function layerProblem(directory: string, signal?: AbortSignal): Promise<string | undefined> {
  const tree = join(directory, 'tree');
  /** Paths at fault. A path may come several times in a layer, and then the last entry is what counts. */
  const faults = new Map<string, string>();
  try {
    let count = 0;
    for (const entry of readIndex(join(directory, 'index'))) {
      if (++count % batch === 0) await turn();
      signal?.throwIfAborted();
      if (!entry.made || entry.type === 'opaque') continue;
      const fault = faultOf(entry, tree);
      if (fault === undefined) faults.delete(entry.path);
      else faults.set(entry.path, fault);
    }
  } catch (error) {
    if (isBoxError(error, 'ERR_BOX_STORE_CORRUPT')) return error.message;
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return 'it has no index';
  }
  const [first] = faults;
  if (first === undefined) return undefined;
  const more = faults.size === 1 ? '' : `, and ${faults.size - 1} more`;
  return `${Buffer.from(first[0], 'latin1').toString()} ${first[1]}${more}`;
}

function faultOf(entry: LayerEntry, tree: string): string | undefined {
  const path = below(tree, entry.path);
  const stat = look(path);
  if (stat === 'replaced') return undefined;
  if (stat === undefined) return 'is missing';
  if (!isOf(entry, stat)) return `is no ${entry.type}`;
  if (entry.type === 'file' && stat.size !== entry.size) return `has ${stat.size} bytes, not ${entry.size}`;
  if (entry.type === 'symlink' && readlinkSync(path, 'latin1') !== entry.link) return 'leads elsewhere';
  if (entry.type === 'hardlink') {
    const target = look(below(tree, entry.link));
    return typeof target === 'object' && target.ino === stat.ino ? undefined : 'is no link to its target any more';
  }
  if (entry.type === 'symlink' || entry.type === 'whiteout') return undefined;
  // Without privilege the kernel may have taken setuid and its kin.
  const bits = process.getuid?.() === 0 ? 0o7777 : 0o777;
  if ((stat.mode & bits) === (entry.mode & bits)) return undefined;
  return `has the mode ${(stat.mode & 0o7777).toString(8)}, not ${entry.mode.toString(8)}`;
}

function below(tree: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${tree}/`), Buffer.from(path, 'latin1')]);
}

/** `replaced` when a parent is no directory: a later entry took its place, and that one is looked at itself. */
function look(path: Buffer): Stats | 'replaced' | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR') return 'replaced';
    if (code === 'ENOENT') return undefined;
    throw error;
  }
}

function isOf({ type }: LayerEntry, stat: Stats): boolean {
  switch (type) {
    case 'file':
    case 'hardlink':
      return type === 'hardlink' || stat.isFile();
    case 'directory':
      return stat.isDirectory();
    case 'symlink':
      return stat.isSymbolicLink();
    case 'fifo':
      return stat.isFIFO();
    case 'block-device':
      return stat.isBlockDevice();
    case 'character-device':
    case 'whiteout':
      return stat.isCharacterDevice();
    default:
      return true;
  }
}
