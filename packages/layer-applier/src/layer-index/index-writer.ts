import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import type { BytePath } from '../byte-path.ts';
import { entryTypes, field, fixedSize, indexMagic, recordFlag, tailMagic, type IndexSummary } from './index-format.ts';
import type { EntryType } from './layer-entry.ts';
import { linkHeirs, renamed } from './link-heirs.ts';
import { rawRecords, recordPath } from './read-index.ts';

/** What a record is written from. */
export interface RecordFields {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: ReadonlyMap<string, Uint8Array> | undefined;
  readonly offset: number;
}

export interface RecordOptions {
  readonly link?: string;
  readonly flags?: number;
  /** 32 bytes. */
  readonly digest?: Uint8Array;
}

const bufferSize = 2 ** 18;
/** Of the last writer that was closed: a thread writes one index after the other. */
let spare: Buffer | undefined;

/** Writes the index of a layer, record by record, and settles at the end what later entries have replaced. */
export class IndexWriter {
  /** Records written so far. */
  count = 0;
  readonly #path: string;
  readonly #replaced = new Map<BytePath, number>();
  readonly #removedTrees = new Map<BytePath, number>();
  #fd: number;
  #buffer = takeBuffer();
  #view = viewOf(this.#buffer);
  #used = 0;
  /** Bytes in the file, the buffer included. */
  #written = 0;
  #bytes = 0;

  constructor(path: string) {
    this.#path = path;
    this.#fd = openSync(path, 'wx', 0o600);
    this.#append(indexMagic);
  }

  /** Appends one record. */
  add(type: EntryType, path: BytePath, fields: RecordFields, options: RecordOptions = {}): void {
    const { link = '', digest } = options;
    const xattrs = fields.xattrs === undefined ? undefined : encodeXattrs(fields.xattrs);
    const length = fixedSize + (digest === undefined ? 0 : 32) + path.length + link.length + (xattrs?.length ?? 0);
    this.#reserve(length);
    const buffer = this.#buffer;
    const view = this.#view;
    const at = this.#used;
    view.setUint32(at + field.length, length, true);
    buffer[at + field.type] = entryTypes.indexOf(type);
    buffer[at + field.flags] = (options.flags ?? 0) | (digest === undefined ? 0 : recordFlag.digest);
    view.setUint16(at + field.mode, fields.mode, true);
    view.setUint32(at + field.uid, fields.uid, true);
    view.setUint32(at + field.gid, fields.gid, true);
    view.setFloat64(at + field.size, fields.size, true);
    view.setFloat64(at + field.seconds, fields.seconds, true);
    view.setUint32(at + field.nanoseconds, fields.nanoseconds, true);
    view.setUint32(at + field.major, fields.major, true);
    view.setUint32(at + field.minor, fields.minor, true);
    view.setUint32(at + field.path, path.length, true);
    view.setUint32(at + field.link, link.length, true);
    view.setUint32(at + field.xattrs, xattrs?.length ?? 0, true);
    view.setFloat64(at + field.offset, fields.offset, true);
    let next = at + fixedSize;
    if (digest !== undefined) {
      buffer.set(digest, next);
      next += 32;
    }
    next += writeLatin1(buffer, path, next);
    next += writeLatin1(buffer, link, next);
    if (xattrs !== undefined) buffer.set(xattrs, next);
    this.#used = at + length;
    this.#written += length;
    this.count++;
    if (type === 'file') this.#bytes += fields.size;
  }

  /** Records up to now of `path` (and of all below it, when it was a directory) are void: a later entry took the place. */
  replace(path: BytePath, wasTree: boolean): void {
    this.#replaced.set(path, this.count);
    if (wasTree) this.#removedTrees.set(path, this.count);
  }

  /** Drops void records and adds the summary. `bytes` is summed here: the sizes of the files that are left. */
  finish(summarize: (kept: { entries: number; bytes: number }) => IndexSummary): IndexSummary {
    this.#flush();
    const kept = this.#replaced.size === 0 ? { entries: this.count, bytes: this.#bytes } : this.#compact();
    const summary = summarize(kept);
    const start = this.#written;
    this.#append(Buffer.from(JSON.stringify(summary)));
    const tail = Buffer.alloc(8);
    tail.writeDoubleLE(start);
    this.#append(tail);
    this.#append(tailMagic);
    this.#flush();
    return summary;
  }

  /** Frees the descriptor; safe to call twice. */
  close(): void {
    if (this.#fd === -1) return;
    closeSync(this.#fd);
    this.#fd = -1;
    if (this.#buffer.length === bufferSize) spare = this.#buffer;
  }

  #compact(): { entries: number; bytes: number } {
    closeSync(this.#fd);
    const old = `${this.#path}.old`;
    renameSync(this.#path, old);
    this.#fd = openSync(this.#path, 'wx', 0o600);
    this.#written = 0;
    this.#append(indexMagic);
    const isKept = (record: Buffer, ordinal: number): boolean => this.#isKept(record, ordinal);
    const { heirs, relinked } = linkHeirs({ path: old, count: this.count, isKept });
    const wanted = new Set(relinked.values());
    const names = new Map<number, BytePath>();
    let entries = 0;
    let bytes = 0;
    let ordinal = -1;
    for (const record of rawRecords(old, { count: this.count })) {
      ordinal += 1;
      const heir = heirs.get(ordinal);
      if (heir === undefined && !isKept(record, ordinal)) continue;
      const target = relinked.get(ordinal);
      const link = target === undefined ? undefined : names.get(target);
      const path = heir ?? recordPath(record);
      // It has become the file that it was a link to.
      if (link === path) continue;
      if (wanted.has(ordinal)) names.set(ordinal, path);
      this.#append(
        heir === undefined && link === undefined
          ? record
          : renamed(record, { path, ...(link !== undefined && { link }) }),
      );
      entries++;
      if (record[field.type] === 0) bytes += record.readDoubleLE(field.size);
    }
    rmSync(old);
    return { entries, bytes };
  }

  #isKept(record: Buffer, ordinal: number): boolean {
    const type = entryTypes[record[field.type] ?? 0];
    if (type === 'whiteout' || type === 'opaque') return true;
    const path = recordPath(record);
    if ((this.#replaced.get(path) ?? 0) > ordinal) return false;
    if (this.#removedTrees.size === 0) return true;
    for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
      if ((this.#removedTrees.get(path.slice(0, slash) as BytePath) ?? 0) > ordinal) return false;
    }
    return true;
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
    this.#written += bytes.length;
  }

  #reserve(length: number): void {
    if (this.#used + length <= this.#buffer.length) return;
    this.#flush();
    if (length <= this.#buffer.length) return;
    this.#buffer = Buffer.allocUnsafeSlow(length * 2);
    this.#view = viewOf(this.#buffer);
  }

  #flush(): void {
    for (let at = 0; at < this.#used;) at += writeSync(this.#fd, this.#buffer, at, this.#used - at);
    this.#used = 0;
  }
}

function takeBuffer(): Buffer {
  const buffer = spare ?? Buffer.allocUnsafeSlow(bufferSize);
  spare = undefined;
  return buffer;
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
}

/** Writes a string of one character a byte; gives its length. A short one is written sooner than a native function is called. */
function writeLatin1(buffer: Buffer, text: string, at: number): number {
  if (text.length > 64) return buffer.write(text, at, 'latin1');
  for (let i = 0; i < text.length; i++) buffer[at + i] = text.charCodeAt(i);
  return text.length;
}

function encodeXattrs(xattrs: ReadonlyMap<string, Uint8Array>): Buffer {
  const parts: Uint8Array[] = [];
  for (const [name, value] of xattrs) {
    const head = Buffer.alloc(6);
    head.writeUInt16LE(name.length, 0);
    head.writeUInt32LE(value.length, 2);
    parts.push(head, Buffer.from(name, 'latin1'), value);
  }
  return Buffer.concat(parts);
}
