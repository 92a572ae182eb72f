import type { Digest, ImageConfig } from '@boxkit/contracts';
import type { IndexedEntry, LayerEntry } from '@boxkit/layer-applier';
import type { UnpackOptions } from '../../options.ts';
import type { Machine } from '../machine.ts';
import { imagePath } from './entries.ts';
import { FingerprintTable } from './fingerprint-table.ts';
import type { ConfigDifference, ImageLook, PathDifference } from './image-look.ts';
import { type ExtractedLook, openExtracted } from './open-look.ts';
import { sameContent } from './same-content.ts';

/** Two images, open side by side. Dispose of it when done. */
export interface ImageComparison extends AsyncDisposable {
  readonly before: ImageLook;
  readonly after: ImageLook;
  /** Layers that both begin with. */
  readonly sharedLayers: readonly Digest[];
  readonly config: readonly ConfigDifference[];
  /** What differs in type, mode, owner, content, link, device or xattrs; times are of no account. In no order. */
  paths(): IterableIterator<PathDifference>;
}

export async function compareImages(
  before: string,
  after: string,
  options: UnpackOptions,
  machine: Machine,
): Promise<ImageComparison> {
  const a = await openExtracted(before, options, machine);
  try {
    const b = await openExtracted(after, options, machine);
    const [from, to] = [a.image.layers, b.image.layers];
    const differs = from.findIndex((layer, at) => layer.chainId !== to[at]?.chainId);
    return {
      before: a,
      after: b,
      sharedLayers: (differs < 0 ? from : from.slice(0, differs)).map(({ descriptor }) => descriptor.digest),
      config: compareConfigs(a.config, b.config),
      paths: () => comparePaths(a, b),
      async [Symbol.asyncDispose]() {
        await b[Symbol.asyncDispose]();
        await a[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await a[Symbol.asyncDispose]();
    throw error;
  }
}

/** Reads the first image twice, so that of its entries only fingerprints are held, and those that differ. */
function* comparePaths(a: ExtractedLook, b: ExtractedLook): Generator<PathDifference, void, undefined> {
  const table = new FingerprintTable();
  for (const entry of a.indexed.shown()) table.set(entry.path, describe(entry, a), originOf(entry));
  const differing = new Map<string, IndexedEntry>();
  for (const entry of b.indexed.shown()) {
    const result = table.compare(entry.path, describe(entry, b), originOf(entry));
    if (result === 'missing') yield { path: imagePath(entry).path, change: 'added', after: imagePath(entry) };
    // Alike files may still differ in content: that takes the first one's place on the disk.
    else if (result === 'different' || (result === 'alike' && isFile(entry))) differing.set(entry.path, entry);
    if (differing.size >= mostHeld) yield* settle(a, b, differing);
  }
  yield* settle(a, b, differing);
  for (const entry of a.indexed.shown()) {
    if (!table.isMet(entry.path)) yield { path: imagePath(entry).path, change: 'removed', before: imagePath(entry) };
  }
}

const mostHeld = 50_000;

function* settle(
  a: ExtractedLook,
  b: ExtractedLook,
  differing: Map<string, IndexedEntry>,
): Generator<PathDifference, void, undefined> {
  if (differing.size === 0) return;
  for (const before of a.indexed.shown()) {
    const after = differing.get(before.path);
    if (after === undefined) continue;
    const fields = differingFields({ look: a, at: before }, { look: b, at: after });
    const [old, now] = [imagePath(before), imagePath(after)];
    if (fields.length > 0) yield { path: now.path, change: 'changed', fields, before: old, after: now };
  }
  differing.clear();
}

interface Side {
  readonly look: ExtractedLook;
  readonly at: IndexedEntry;
}

function differingFields(a: Side, b: Side): string[] {
  const fields = [];
  const [one, two] = [a.at.entry, b.at.entry];
  const sameType = typeOf(a.at) === typeOf(b.at);
  if (!sameType) fields.push('type');
  if (one.mode !== two.mode) fields.push('mode');
  if (one.uid !== two.uid || one.gid !== two.gid) fields.push('owner');
  if (sameType && isFile(a.at)) {
    if (sizeOf(a) !== sizeOf(b)) fields.push('size', 'content');
    else if (sameContent(placeOf(a), placeOf(b)) === false) fields.push('content');
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

function sizeOf({ look, at }: Side): number {
  return look.indexed.sizeOf(at);
}

/** A hardlink to a lower layer's file is in no tree of its own layer. */
function placeOf({ look, at: { layer, entry } }: Side): string {
  const found = look.tree.layers.find(({ diffId }) => diffId === layer.diffId);
  return `${found?.trees.at(-1) ?? ''}/${entry.path}`;
}

function describe(at: IndexedEntry, look: ExtractedLook): string {
  const { mode, uid, gid, link, major, minor } = at.entry;
  const target = at.entry.type === 'symlink' ? link : '';
  return `${typeOf(at)} ${mode} ${uid}:${gid} ${sizeOf({ look, at })} ${major}:${minor} ${xattrsOf(at.entry)} ${target}`;
}

function originOf({ layer, entry }: IndexedEntry): string {
  return `${layer.diffId} ${entry.offset} ${entry.path}`;
}

function xattrsOf({ xattrs }: LayerEntry): string {
  if (xattrs === undefined) return '';
  return [...xattrs]
    .map(([name, value]) => `${name}=${Buffer.from(value).toString('hex')}`)
    .toSorted()
    .join(',');
}

/** What a container would be given otherwise, field by field; lists of `KEY=VALUE` and maps by their keys. */
function compareConfigs(a: ImageConfig, b: ImageConfig): readonly ConfigDifference[] {
  const [before, after] = [flatten(a), flatten(b)];
  return [...new Set([...before.keys(), ...after.keys()])].toSorted().flatMap((field): ConfigDifference[] => {
    const [one, two] = [before.get(field), after.get(field)];
    if (JSON.stringify(one) === JSON.stringify(two)) return [];
    return [{ field, ...(one === undefined ? {} : { before: one }), ...(two === undefined ? {} : { after: two }) }];
  });
}

function flatten({ os, architecture, variant, author, config = {} }: ImageConfig): Map<string, unknown> {
  const fields = new Map<string, unknown>(Object.entries({ os, architecture, variant, author }));
  for (const [name, value] of Object.entries(config)) {
    if (value === null || value === undefined) continue;
    if (name === 'Env' && Array.isArray(value)) {
      for (const pair of value.map(String))
        fields.set(`config.Env.${pair.split('=', 1)[0]}`, pair.slice(pair.indexOf('=') + 1));
    } else if (typeof value === 'object' && !Array.isArray(value)) {
      for (const [key, inner] of Object.entries(value)) fields.set(`config.${name}.${key}`, inner);
    } else {
      fields.set(`config.${name}`, value);
    }
  }
  return fields;
}
