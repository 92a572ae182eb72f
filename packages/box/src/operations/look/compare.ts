import { lstatSync } from 'node:fs';
import type { Digest, ImageConfig } from '@boxkit/contracts';
import { shownEntries } from '@boxkit/layer-applier';
import type { SurveyedEntry } from '@boxkit/layer-applier';
import type { UnpackOptions } from '../../options.ts';
import type { Machine } from '../machine.ts';
import { imagePath } from './entries.ts';
import { FingerprintTable } from './fingerprint-table.ts';
import type { ConfigDifference, ImageLook, PathDifference } from './image-look.ts';
import { openLook } from './open-look.ts';
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
  const a = await openLook(before, options, machine);
  try {
    const b = await openLook(after, options, machine);
    const [from, to] = [a.image.layers, b.image.layers];
    const differs = from.findIndex((layer, at) => layer.chainId !== to[at]?.chainId);
    return {
      before: a,
      after: b,
      sharedLayers: (differs < 0 ? from : from.slice(0, differs)).map(({ descriptor }) => descriptor.digest),
      config: compareConfigs(a.config, b.config),
      paths: () => comparePaths(shownEntries(a.tree), shownEntries(b.tree), () => shownEntries(a.tree)),
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
function* comparePaths(
  first: Iterable<SurveyedEntry>,
  second: Iterable<SurveyedEntry>,
  again: () => Iterable<SurveyedEntry>,
): Generator<PathDifference, void, undefined> {
  const table = new FingerprintTable();
  for (const entry of first) table.set(entry.path, describe(entry), originOf(entry));
  const differing = new Map<string, SurveyedEntry>();
  for (const entry of second) {
    const result = table.compare(entry.path, describe(entry), originOf(entry));
    if (result === 'missing') yield { path: imagePath(entry).path, change: 'added', after: imagePath(entry) };
    // Alike files may still differ in content: that takes the first one's place on the disk.
    else if (result === 'different' || (result === 'alike' && isFile(entry))) differing.set(entry.path, entry);
    if (differing.size < mostHeld) continue;
    yield* settle(again(), differing);
  }
  yield* settle(again(), differing);
  for (const entry of again()) {
    if (!table.isMet(entry.path)) yield { path: imagePath(entry).path, change: 'removed', before: imagePath(entry) };
  }
}

const mostHeld = 50_000;

function* settle(
  first: Iterable<SurveyedEntry>,
  differing: Map<string, SurveyedEntry>,
): Generator<PathDifference, void, undefined> {
  if (differing.size === 0) return;
  for (const before of first) {
    const after = differing.get(before.path);
    if (after === undefined) continue;
    const fields = differingFields(before, after);
    const [a, b] = [imagePath(before), imagePath(after)];
    if (fields.length > 0) yield { path: b.path, change: 'changed', fields, before: a, after: b };
  }
  differing.clear();
}

function differingFields(a: SurveyedEntry, b: SurveyedEntry): string[] {
  const fields = [];
  const [one, two] = [a.entry, b.entry];
  const sameType = typeOf(a) === typeOf(b);
  if (!sameType) fields.push('type');
  if (one.mode !== two.mode) fields.push('mode');
  if (one.uid !== two.uid || one.gid !== two.gid) fields.push('owner');
  if (sameType && isFile(a)) {
    if (sizeOf(a) !== sizeOf(b)) fields.push('size', 'content');
    else if (sameContent(placeOf(a), placeOf(b)) === false) fields.push('content');
  } else if (sameType && one.link !== two.link) fields.push('link');
  if (one.major !== two.major || one.minor !== two.minor) fields.push('device');
  if (xattrsOf(a) !== xattrsOf(b)) fields.push('xattrs');
  return fields;
}

/** A hardlink is a file like the one that it is another name of. */
function typeOf({ entry }: SurveyedEntry): string {
  return entry.type === 'hardlink' ? 'file' : entry.type;
}

function isFile(entry: SurveyedEntry): boolean {
  return typeOf(entry) === 'file';
}

function sizeOf(surveyed: SurveyedEntry): number {
  if (surveyed.entry.type !== 'hardlink') return surveyed.entry.size;
  return lstatSync(Buffer.from(placeOf(surveyed), 'latin1'), { throwIfNoEntry: false })?.size ?? 0;
}

function placeOf({ layer, entry }: SurveyedEntry): string {
  return `${layer.trees.at(-1) ?? ''}/${entry.path}`;
}

function describe(surveyed: SurveyedEntry): string {
  const { mode, uid, gid, link, major, minor } = surveyed.entry;
  const target = surveyed.entry.type === 'symlink' ? link : '';
  return `${typeOf(surveyed)} ${mode} ${uid}:${gid} ${sizeOf(surveyed)} ${major}:${minor} ${xattrsOf(surveyed)} ${target}`;
}

function originOf({ layer, entry }: SurveyedEntry): string {
  return `${layer.diffId} ${entry.offset} ${entry.path}`;
}

function xattrsOf({ entry }: SurveyedEntry): string {
  if (entry.xattrs === undefined) return '';
  return [...entry.xattrs]
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
