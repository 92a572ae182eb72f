import type { IndexedEntry, LayerEntry } from '@boxkit/layer-applier';
import { imagePath } from './entries.ts';
import { FileContents } from './file-contents.ts';
import { FingerprintTable } from './fingerprint-table.ts';
import type { PathDifference } from './image-look.ts';
import type { LookWithContents } from './open-look.ts';

/** Reads the first image's indexes twice, so that of its entries only fingerprints are held, and those that differ. */
export async function* comparePaths(
  a: LookWithContents,
  b: LookWithContents,
): AsyncGenerator<PathDifference, void, undefined> {
  const table = new FingerprintTable();
  for (const entry of a.indexed.shown()) table.set(entry.path, describe(entry, a), originOf(entry, a));
  const differing = new Map<string, IndexedEntry>();
  const sameSize = new FileContents(a, b);
  for (const entry of b.indexed.shown()) {
    const result = table.compare(entry.path, describe(entry, b), originOf(entry, b));
    if (result === 'missing') yield { path: imagePath(entry).path, change: 'added', after: imagePath(entry) };
    // Alike files may still differ in content.
    else if (result === 'different' || (result === 'alike' && isFile(entry))) differing.set(entry.path, entry);
    if (differing.size >= mostHeld) yield* settle(a, b, differing, sameSize);
  }
  yield* settle(a, b, differing, sameSize);
  for (const entry of a.indexed.shown()) {
    if (!table.isMet(entry.path)) yield { path: imagePath(entry).path, change: 'removed', before: imagePath(entry) };
  }
  for await (const { before, after, same } of sameSize.compared()) {
    const fields = differingFields({ look: a, at: before }, { look: b, at: after }, same);
    if (fields.length > 0) yield changed(before, after, fields);
  }
}

const mostHeld = 50_000;

/** Tells of what differs, and leaves files whose contents decide to `sameSize`. */
function* settle(
  a: LookWithContents,
  b: LookWithContents,
  differing: Map<string, IndexedEntry>,
  sameSize: FileContents,
): Generator<PathDifference, void, undefined> {
  if (differing.size === 0) return;
  for (const before of a.indexed.shown()) {
    const after = differing.get(before.path);
    if (after === undefined) continue;
    const size = a.indexed.sizeOf(before);
    if (size > 0 && isFile(before) && isFile(after) && size === b.indexed.sizeOf(after)) {
      sameSize.add(before, after);
      continue;
    }
    const fields = differingFields({ look: a, at: before }, { look: b, at: after }, true);
    if (fields.length > 0) yield changed(before, after, fields);
  }
  differing.clear();
}

function changed(before: IndexedEntry, after: IndexedEntry, fields: readonly string[]): PathDifference {
  const [old, now] = [imagePath(before), imagePath(after)];
  return { path: now.path, change: 'changed', fields, before: old, after: now };
}

interface Side {
  readonly look: LookWithContents;
  readonly at: IndexedEntry;
}

/** `sameContent` is of files of the same size. */
function differingFields(a: Side, b: Side, sameContent: boolean): string[] {
  const fields = [];
  const [one, two] = [a.at.entry, b.at.entry];
  const sameType = typeOf(a.at) === typeOf(b.at);
  if (!sameType) fields.push('type');
  if (one.mode !== two.mode) fields.push('mode');
  if (one.uid !== two.uid || one.gid !== two.gid) fields.push('owner');
  if (sameType && isFile(a.at)) {
    if (a.look.indexed.sizeOf(a.at) !== b.look.indexed.sizeOf(b.at)) fields.push('size', 'content');
    else if (!sameContent) fields.push('content');
  } else if (sameType && one.link !== two.link) fields.push('link');
  if (one.major !== two.major || one.minor !== two.minor) fields.push('device');
  if (xattrsOf(one) !== xattrsOf(two)) fields.push('xattrs');
  return fields;
}

/** A hardlink is a file like the one that it is another name of. */
function typeOf({ entry }: IndexedEntry): string {
  return entry.type === 'hardlink' ? 'file' : entry.type;
}

function isFile(entry: IndexedEntry): boolean {
  return typeOf(entry) === 'file';
}

function describe(at: IndexedEntry, { indexed }: LookWithContents): string {
  const { mode, uid, gid, link, major, minor } = at.entry;
  const target = at.entry.type === 'symlink' ? link : '';
  return `${typeOf(at)} ${mode} ${uid}:${gid} ${indexed.sizeOf(at)} ${major}:${minor} ${xattrsOf(at.entry)} ${target}`;
}

/** A hardlink may lead to a file of another layer, which need not be the same in both images. */
function originOf({ layer, entry, node }: IndexedEntry, { indexed }: LookWithContents): string {
  const own = `${layer.diffId} ${entry.offset} ${entry.path}`;
  if (entry.type !== 'hardlink') return own;
  const content = indexed.entryOf(indexed.contentOf(node));
  return `${own} ${content?.layer.diffId} ${content?.entry.offset}`;
}

function xattrsOf({ xattrs }: LayerEntry): string {
  if (xattrs === undefined) return '';
  return [...xattrs]
    .map(([name, value]) => `${name}=${Buffer.from(value).toString('hex')}`)
    .toSorted()
    .join(',');
}
