import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { BoxError, type Digest, type Layer } from '@boxkit/contracts';
import type { BytePath } from '../byte-path.ts';
import type { StagedLayer } from '../staged-layer.ts';
import {
  entryTypes,
  field,
  fixedSize,
  indexMagic,
  recordFlag,
  tailMagic,
  tailSize,
  type IndexSummary,
} from './index-format.ts';
import type { LayerEntry } from './layer-entry.ts';

const bufferSize = 2 ** 18;
/** More than any entry within the budgets can have; a longer one is damage. */
const longestRecord = 2 ** 28;

/** The entries of a layer in the order of its tar (implied directories, whiteouts and late hardlinks last), read in pieces of bounded size. Throws ERR_BOX_STORE_CORRUPT. */
export function* readIndex(path: string): Generator<LayerEntry, void, undefined> {
  for (const record of rawRecords(path)) yield decodeRecord(record, path);
}

/** The staged layer that an earlier extraction left in `directory`, from the end of its index alone. Throws ERR_BOX_STORE_CORRUPT. */
export function readStagedLayer(layer: Layer, directory: string): StagedLayer {
  const index = join(directory, 'index');
  const fd = openSync(index, 'r');
  try {
    const { start, end } = summaryPlace(fd, index);
    const summary = JSON.parse(read(fd, start, end - start).toString()) as IndexSummary;
    if (summary.diffId !== layer.diffId) throw corrupt(index, `it is the index of ${summary.diffId}`);
    return stagedLayer(layer, directory, summary);
  } finally {
    closeSync(fd);
  }
}

/** A StagedLayer of its summary. */
export function stagedLayer(layer: Layer, directory: string, summary: IndexSummary): StagedLayer {
  const { diffId: _, ...rest } = summary;
  return {
    ...rest,
    layer,
    path: join(directory, 'tree'),
    index: join(directory, 'index'),
    whiteouts: summary.whiteouts as readonly BytePath[],
    opaques: summary.opaques as readonly BytePath[],
    impliedDirectories: summary.impliedDirectories as readonly BytePath[],
    deferredHardlinks: summary.deferredHardlinks as readonly { path: BytePath; target: BytePath }[],
  };
}

export interface RawRecordsOptions {
  /** Reads so many of an index that has no end yet. */
  readonly count?: number;
  /** Where a record starts, in bytes; the first one when absent. */
  readonly from?: number;
}

/** Record by record as it stands. A record is valid until the next. */
export function* rawRecords(
  path: string,
  { count, from = indexMagic.length }: RawRecordsOptions = {},
): Generator<Buffer, void, undefined> {
  const fd = openSync(path, 'r');
  try {
    const end = count === undefined ? summaryPlace(fd, path).start : fstatSync(fd).size;
    if (!read(fd, 0, indexMagic.length).equals(indexMagic)) throw corrupt(path, 'it is no index of a layer');
    let buffer = Buffer.allocUnsafeSlow(bufferSize);
    let held = 0;
    let at = 0;
    for (let position = from, done = 0; position - (held - at) < end && done !== count; done++) {
      for (;;) {
        const length = held - at >= 4 ? buffer.readUInt32LE(at) : fixedSize;
        if (length < fixedSize || length > longestRecord) throw corrupt(path, 'a record has an impossible length');
        if (held - at >= length) break;
        const larger = length > buffer.length ? Buffer.allocUnsafeSlow(length) : buffer;
        buffer.copy(larger, 0, at, held);
        buffer = larger;
        held -= at;
        at = 0;
        const got = readSync(fd, buffer, held, Math.min(buffer.length - held, end - position), position);
        if (got === 0) throw corrupt(path, 'it ends in the middle of a record');
        held += got;
        position += got;
      }
      const length = buffer.readUInt32LE(at);
      yield buffer.subarray(at, at + length);
      at += length;
    }
  } finally {
    closeSync(fd);
  }
}

/** What decodeRecord needs some microseconds for, where the path alone will do. */
export function recordPath(record: Buffer): BytePath {
  const start = fixedSize + (((record[field.flags] ?? 0) & recordFlag.digest) === 0 ? 0 : 32);
  return record.toString('latin1', start, start + record.readUInt32LE(field.path)) as BytePath;
}

/** The link of a record alone; see recordPath. */
export function recordLink(record: Buffer): BytePath {
  const path = fixedSize + (((record[field.flags] ?? 0) & recordFlag.digest) === 0 ? 0 : 32);
  const start = path + record.readUInt32LE(field.path);
  return record.toString('latin1', start, start + record.readUInt32LE(field.link)) as BytePath;
}

/** An entry of its record; `path` is the index's, for the error. Throws ERR_BOX_STORE_CORRUPT. */
export function decodeRecord(record: Buffer, path: string): LayerEntry {
  const flags = record[field.flags] ?? 0;
  const type = entryTypes[record[field.type] ?? entryTypes.length];
  const pathStart = fixedSize + ((flags & recordFlag.digest) === 0 ? 0 : 32);
  const linkStart = pathStart + record.readUInt32LE(field.path);
  const xattrsStart = linkStart + record.readUInt32LE(field.link);
  const xattrsLength = record.readUInt32LE(field.xattrs);
  if (type === undefined || xattrsStart + xattrsLength !== record.length) throw corrupt(path, 'a record is damaged');
  return {
    type,
    path: record.toString('latin1', pathStart, linkStart) as BytePath,
    mode: record.readUInt16LE(field.mode),
    uid: record.readUInt32LE(field.uid),
    gid: record.readUInt32LE(field.gid),
    size: record.readDoubleLE(field.size),
    mtime: { seconds: record.readDoubleLE(field.seconds), nanoseconds: record.readUInt32LE(field.nanoseconds) },
    link: record.toString('latin1', linkStart, xattrsStart) as BytePath,
    major: record.readUInt32LE(field.major),
    minor: record.readUInt32LE(field.minor),
    xattrs: xattrsLength === 0 ? undefined : decodeXattrs(record, xattrsStart, path),
    digest:
      pathStart === fixedSize ? undefined : (`sha256:${record.toString('hex', fixedSize, fixedSize + 32)}` as Digest),
    offset: record.readDoubleLE(field.offset),
    implied: (flags & recordFlag.implied) !== 0,
    deferred: (flags & recordFlag.deferred) !== 0,
    made: (flags & recordFlag.absent) === 0,
  };
}

function decodeXattrs(record: Buffer, from: number, path: string): Map<string, Uint8Array> {
  const xattrs = new Map<string, Uint8Array>();
  for (let at = from; at < record.length;) {
    if (at + 6 > record.length) throw corrupt(path, 'a record is damaged');
    const nameEnd = at + 6 + record.readUInt16LE(at);
    const end = nameEnd + record.readUInt32LE(at + 2);
    if (end > record.length) throw corrupt(path, 'a record is damaged');
    xattrs.set(record.toString('latin1', at + 6, nameEnd), Uint8Array.from(record.subarray(nameEnd, end)));
    at = end;
  }
  return xattrs;
}

function summaryPlace(fd: number, path: string): { start: number; end: number } {
  const end = fstatSync(fd).size - tailSize;
  if (end < indexMagic.length) throw corrupt(path, 'it is too short');
  const tail = read(fd, end, tailSize);
  const start = tail.readDoubleLE(0);
  if (!tail.subarray(8).equals(tailMagic) || !(start >= indexMagic.length && start <= end)) {
    throw corrupt(path, 'it has no proper end');
  }
  return { start, end };
}

function read(fd: number, position: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  for (let at = 0; at < length;) {
    const count = readSync(fd, buffer, at, length - at, position + at);
    if (count === 0) break;
    at += count;
  }
  return buffer;
}

/** For what an index of the store cannot have. */
export function corrupt(path: string, why: string): BoxError {
  return new BoxError('ERR_BOX_STORE_CORRUPT', `cannot read the layer index ${path}: ${why}`, {
    hint: 'Remove the layer from the store (box fsck does) and pull the image again.',
    fields: { path },
  });
}
