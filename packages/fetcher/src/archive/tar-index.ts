import type { FileHandle } from 'node:fs/promises';
import { ArchiveError } from './errors.ts';

/** What a tar has under one name. Targets of hardlinks count from the tar's top, those of symlinks from the link. */
export type TarRecord =
  | { readonly type: 'file'; readonly offset: number; readonly size: number }
  | { readonly type: 'symlink' | 'hardlink'; readonly target: string }
  | { readonly type: 'other'; readonly what: string };

export type TarIndex = ReadonlyMap<string, TarRecord>;

const block = 512;
/** An archive of images has some ten entries a layer. */
const entryLimit = 200_000;
/** A path of a pax or GNU header. */
const extensionLimit = 1024 * 1024;

const kinds: Readonly<Record<string, string>> = {
  '3': 'a device',
  '4': 'a device',
  '5': 'a directory',
  '6': 'a fifo',
  S: 'a sparse file',
};

interface Extensions {
  path?: string;
  linkpath?: string;
  size?: number;
}

/**
 * Reads the headers of an uncompressed tar and where each file's bytes lie, skipping the bytes themselves. The last
 * entry of a name counts. Throws ERR_BOX_ARCHIVE_INVALID for what is no tar, is cut short or has too many entries.
 */
export async function indexTar(
  handle: FileHandle,
  options: { readonly archive: string; readonly signal: AbortSignal },
): Promise<TarIndex> {
  const { archive, signal } = options;
  const { size: total } = await handle.stat();
  const records = new Map<string, TarRecord>();
  let extensions: Extensions = {};
  for (let at = 0, count = 0; at !== total; count += 1) {
    signal.throwIfAborted();
    if (at + block > total)
      throw new ArchiveError(archive, undefined, at === 0 ? 'it is no tar archive' : 'it is cut short');
    if (count > entryLimit) throw new ArchiveError(archive, undefined, `it has more than ${entryLimit} entries`);
    const header = await readExactly(handle, at, block, archive);
    if (header.every((byte) => byte === 0)) break;
    if (!hasChecksum(header)) {
      throw new ArchiveError(
        archive,
        undefined,
        at === 0 ? 'it is no tar archive' : `the tar header at byte ${at} is damaged`,
      );
    }
    const typeflag = String.fromCharCode(header[156] ?? 0);
    const body = at + block;
    const extended = 'xgLK'.includes(typeflag);
    const size = (extended ? undefined : extensions.size) ?? sizeField(header);
    if (!(size >= 0) || body + size > total) {
      throw new ArchiveError(archive, nameField(header), 'its bytes are cut short or its size is damaged');
    }
    if (extended) {
      if (size > extensionLimit)
        throw new ArchiveError(archive, undefined, `the extended header at byte ${at} is too long`);
      extensions = extend(extensions, typeflag, await readExactly(handle, body, size, archive));
    } else {
      const name = normalName(extensions.path ?? nameField(header));
      if (name !== undefined) records.set(name, record(typeflag, header, extensions, { offset: body, size }));
      extensions = {};
    }
    at = body + Math.ceil(size / block) * block;
  }
  if (records.size === 0) throw new ArchiveError(archive, undefined, 'it is no tar archive, or an empty one');
  return records;
}

function record(
  typeflag: string,
  header: Buffer,
  extensions: Extensions,
  place: { readonly offset: number; readonly size: number },
): TarRecord {
  if (typeflag === '0' || typeflag === '\0' || typeflag === '7') return { type: 'file', ...place };
  const target = extensions.linkpath ?? field(header, 157, 100);
  if (typeflag === '1') return { type: 'hardlink', target };
  if (typeflag === '2') return { type: 'symlink', target };
  return { type: 'other', what: kinds[typeflag] ?? `an entry of type ${JSON.stringify(typeflag)}` };
}

async function readExactly(handle: FileHandle, at: number, length: number, archive: string): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await handle.read(bytes, read, length - read, at + read);
    if (bytesRead === 0) throw new ArchiveError(archive, undefined, 'it ends in the middle of a tar header');
    read += bytesRead;
  }
  return bytes;
}

function extend(before: Extensions, typeflag: string, body: Buffer): Extensions {
  const text = () => field(body, 0, body.length);
  if (typeflag === 'L') return { ...before, path: text() };
  if (typeflag === 'K') return { ...before, linkpath: text() };
  if (typeflag === 'g') return before;
  const values = new Map(paxRecords(body));
  const path = values.get('path');
  const linkpath = values.get('linkpath');
  const size = values.get('size');
  return {
    ...before,
    ...(path === undefined ? {} : { path }),
    ...(linkpath === undefined ? {} : { linkpath }),
    ...(size === undefined ? {} : { size: /^\d{1,15}$/.test(size) ? Number(size) : Number.NaN }),
  };
}

/** `LENGTH KEY=VALUE\n` records; what follows a damaged one is dropped. pax(1), "pax Extended Header". */
function* paxRecords(body: Buffer): Generator<readonly [string, string]> {
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(0x20, at);
    const length = space === -1 ? Number.NaN : Number(body.toString('latin1', at, space));
    const equals = body.indexOf(0x3d, space);
    const end = at + length;
    if (!Number.isSafeInteger(length) || length <= 0 || end > body.length || equals === -1 || equals >= end) return;
    yield [body.toString('utf8', space + 1, equals), body.toString('utf8', equals + 1, end - 1)];
    at = end;
  }
}

function nameField(header: Buffer): string {
  const name = field(header, 0, 100);
  const posix = header.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = posix ? field(header, 345, 155) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

function field(bytes: Buffer, at: number, length: number): string {
  const end = bytes.indexOf(0, at);
  return bytes.toString('utf8', at, end === -1 || end > at + length ? at + length : end);
}

/** Octal, or, with the first bit set, base 256 (GNU). */
function sizeField(header: Buffer): number {
  if (((header[124] ?? 0) & 0x80) !== 0) {
    const value = header.subarray(125, 136).reduce((sum, byte) => sum * 256 + byte, (header[124] ?? 0) & 0x7f);
    return Number.isSafeInteger(value) ? value : Number.NaN;
  }
  const text = field(header, 124, 12).trim();
  return /^[0-7]*$/.test(text) ? Number.parseInt(text === '' ? '0' : text, 8) : Number.NaN;
}

function hasChecksum(header: Buffer): boolean {
  const stored = Number.parseInt(field(header, 148, 8).trim(), 8);
  const blanked = Buffer.from(header).fill(' ', 148, 156);
  return blanked.reduce((sum, byte) => sum + byte, 0) === stored;
}

/** As entryName; a name that leads outside is left out, since nothing may refer to it. */
function normalName(name: string): string | undefined {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  return parts.length === 0 || parts.includes('..') ? undefined : parts.join('/');
}
