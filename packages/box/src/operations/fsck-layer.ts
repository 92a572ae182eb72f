import { existsSync, readlinkSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { isBoxError } from '@boxkit/contracts';
import { type LayerEntry, readIndex, readKept } from '@boxkit/layer-applier';
import { below, look, walk } from './fsck-tree.ts';
import { FingerprintTable } from './look/fingerprint-table.ts';

/** Entries between two looks at the signal. */
const batch = 1000;

/** Paths at fault, and what is wrong with them. */
type Faults = Map<string, string>;

/** What of the index need not be in the tree as it stands there. */
interface Marks {
  /** Places of marks that hide nothing but lower layers' entries, taken out with the directories made only for them. */
  readonly takenOut: ReadonlySet<string>;
  /** Of whiteouts, as far as the index has been read. */
  readonly hidden: Set<string>;
}

/**
 * What is wrong with an extracted layer, in words: a file of its tree that is missing, or of another type, mode, size or
 * target than its index has it, or that its index does not have. Undefined for a sound one, and when it is gone. Contents
 * are not read: the index does not have their digests.
 */
export async function layerProblem(directory: string, signal?: AbortSignal): Promise<string | undefined> {
  const problem = await problemOf(directory, signal);
  return problem === undefined || !existsSync(directory) ? undefined : problem;
}

async function problemOf(directory: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  const tree = join(directory, 'tree');
  const faults: Faults = new Map();
  const known = new FingerprintTable();
  try {
    await compareIndex(directory, { tree, faults, known }, signal);
  } catch (error) {
    if (isBoxError(error, 'ERR_BOX_STORE_CORRUPT')) return error.message;
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return 'it has no index';
  }
  const root = look(tree, '');
  if (typeof root !== 'object' || !root.isDirectory()) return 'it has no tree';
  const isKnown = (path: string): boolean => known.compare(path, '', '') !== 'missing';
  for await (const path of walk(tree, isKnown, signal)) {
    if (!isKnown(path)) faults.set(path, 'is not in its index');
  }
  const [first] = faults;
  if (first === undefined) return undefined;
  const more = faults.size === 1 ? '' : `, and ${faults.size - 1} more`;
  return `${Buffer.from(first[0], 'latin1').toString()} ${first[1]}${more}`;
}

interface Comparison {
  readonly tree: string;
  readonly faults: Faults;
  /** Every path that the tree may have. */
  readonly known: FingerprintTable;
}

/** A path may come several times in a layer, and then the last entry is what counts. */
async function compareIndex(
  directory: string,
  { tree, faults, known }: Comparison,
  signal?: AbortSignal,
): Promise<void> {
  const marks: Marks = { takenOut: takenOutOf(directory), hidden: new Set() };
  /** Hardlinks at fault by their targets: a target that comes again later is another file. */
  const unlinked = new Map<string, string[]>();
  let count = 0;
  for (const entry of readIndex(join(directory, 'index'))) {
    if (++count % batch === 0) await turn();
    signal?.throwIfAborted();
    for (const path of unlinked.get(entry.path) ?? []) faults.delete(path);
    unlinked.delete(entry.path);
    if (!entry.made || entry.type === 'opaque') continue;
    known.set(entry.path, '', '');
    if (entry.type === 'whiteout') marks.hidden.add(entry.path);
    const fault = faultOf(entry, tree, marks);
    if (fault === undefined) {
      faults.delete(entry.path);
      continue;
    }
    faults.set(entry.path, fault);
    if (entry.type === 'hardlink') unlinked.set(entry.link, [...(unlinked.get(entry.link) ?? []), entry.path]);
  }
}

function takenOutOf(directory: string): Set<string> {
  const { whiteouts, opaques } = readKept(directory);
  const places = new Set<string>();
  for (const path of [...whiteouts, ...opaques]) {
    for (let at: string = path; at !== '' && !places.has(at); at = at.slice(0, Math.max(at.lastIndexOf('/'), 0)))
      places.add(at);
  }
  return places;
}

function faultOf(entry: LayerEntry, tree: string, marks: Marks): string | undefined {
  const stat = look(tree, entry.path);
  // A later entry took the parent's place, and that one is looked at itself; or this user may not look.
  if (stat === 'replaced' || stat === 'closed') return undefined;
  const isMark = entry.type === 'whiteout' || entry.implied;
  if (stat === undefined) return isMark && marks.takenOut.has(entry.path) ? undefined : 'is missing';
  if (isMark && isHidden(entry, stat, marks)) return undefined;
  if (!isOf(entry, stat)) return `is no ${entry.type}`;
  if (entry.type === 'file' && stat.size !== entry.size) return `has ${stat.size} bytes, not ${entry.size}`;
  if (entry.type === 'symlink' && readlinkSync(below(tree, entry.path), 'latin1') !== entry.link) {
    return 'leads elsewhere';
  }
  if (entry.type === 'hardlink') return linkFault(entry, stat, tree);
  if (entry.type === 'symlink' || entry.type === 'whiteout') return undefined;
  // Without privilege the kernel may have taken setuid and its kin.
  const bits = process.getuid?.() === 0 ? 0o7777 : 0o777;
  if ((stat.mode & bits) === (entry.mode & bits)) return undefined;
  return `has the mode ${(stat.mode & 0o7777).toString(8)}, not ${entry.mode.toString(8)}`;
}

/** A whiteout of a path that the layer has as a directory makes that opaque; one of a directory made only for marks takes its place. */
function isHidden(entry: LayerEntry, stat: Stats, { hidden }: Marks): boolean {
  if (entry.type === 'whiteout') return stat.isDirectory();
  return stat.isCharacterDevice() && stat.rdev === 0 && hidden.has(entry.path);
}

function linkFault({ link }: LayerEntry, stat: Stats, tree: string): string | undefined {
  const target = look(tree, link);
  // Its target was replaced or lay beside the tree; one that is missing is at fault itself.
  if (typeof target !== 'object' || target.ino === stat.ino || !isPlain(tree, link)) return undefined;
  return 'is no link to its target any more';
}

/** Whether no symlink is on the way to a path. */
function isPlain(tree: string, path: string): boolean {
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    const stat = look(tree, path.slice(0, slash));
    if (typeof stat !== 'object' || !stat.isDirectory()) return false;
  }
  return true;
}

function isOf({ type }: LayerEntry, stat: Stats): boolean {
  switch (type) {
    case 'file':
      return stat.isFile();
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
