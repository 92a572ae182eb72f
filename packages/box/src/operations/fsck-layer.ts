import { existsSync, readlinkSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { isBoxError } from '@boxkit/contracts';
import { type KeptLayer, type LayerEntry, readIndex, readKept } from '@boxkit/layer-applier';
import { type Fault, metadataFault } from './fsck-metadata.ts';
import { below, isPlain, look, walk } from './fsck-tree.ts';
import { FingerprintTable } from './look/fingerprint-table.ts';

/** Entries between two looks at the signal. */
const batch = 1000;

/** Paths at fault, and what is wrong with them. */
type Faults = Map<string, Fault>;

/** What of the index need not be in the tree as it stands there. */
interface Marks {
  /** Places of marks that hide nothing but lower layers' entries, taken out with the directories made only for them. */
  readonly takenOut: ReadonlySet<string>;
  /** Of whiteouts, as far as the index has been read. */
  readonly hidden: Set<string>;
  /** Whether files belong to whom the index says: the layer was extracted by root, for root. */
  readonly owned: boolean;
}

/**
 * What is wrong with an extracted layer, in words: a file of its tree that is missing, or of another type, mode, owner, time,
 * size or target than its index has it, or that its index does not have. Undefined for a sound one, and when it is gone.
 * Contents are not read: the index does not have their digests.
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
    if (!isKnown(path)) faults.set(path, { what: 'is not in its index' });
  }
  const causes = [...faults].filter(([, { follows }]) => follows !== true);
  const told = causes.length > 0 ? causes : [...faults];
  const [first] = told;
  if (first === undefined) return undefined;
  const more = told.length === 1 ? '' : `, and ${told.length - 1} more`;
  return `${Buffer.from(first[0], 'latin1').toString()} ${first[1].what}${more}`;
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
  const kept = readKept(directory);
  const owned = process.getuid?.() === 0 && kept.form?.endsWith(' host') === true;
  const marks: Marks = { takenOut: takenOutOf(kept), hidden: new Set(), owned };
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
    faults.set(entry.path, typeof fault === 'string' ? { what: fault } : fault);
    if (entry.type === 'hardlink') unlinked.set(entry.link, [...(unlinked.get(entry.link) ?? []), entry.path]);
  }
}

function takenOutOf({ whiteouts, opaques }: KeptLayer): Set<string> {
  const places = new Set<string>();
  for (const path of [...whiteouts, ...opaques]) {
    for (let at: string = path; at !== '' && !places.has(at); at = at.slice(0, Math.max(at.lastIndexOf('/'), 0)))
      places.add(at);
  }
  return places;
}

function faultOf(entry: LayerEntry, tree: string, marks: Marks): string | Fault | undefined {
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
  if (entry.type === 'whiteout') return undefined;
  // To take marks out of a directory changes its time, and one that is implied has none of its own.
  const timed = !entry.implied && !(stat.isDirectory() && marks.takenOut.has(entry.path));
  return metadataFault(entry, stat, { owned: marks.owned, timed });
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
