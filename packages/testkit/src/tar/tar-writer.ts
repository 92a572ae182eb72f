import { longName, numberField, paxBlock, type PaxRecords } from './tar-fields.ts';

export type TarEntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'char' | 'block' | 'fifo';

/** One entry as it is to stand in the tar; nothing is checked, so that hostile tars can be made too. */
export interface TarEntry {
  /** Bytes when it is no UTF-8. A directory's closing `/` is not added. */
  readonly path: string | Uint8Array;
  /** Default `file`. */
  readonly type?: TarEntryType;
  /** Overrides `type`'s letter: any character. */
  readonly typeflag?: string;
  readonly content?: string | Uint8Array;
  /** What the header says the size is; default the content's. */
  readonly size?: number;
  /** Default 0644, for a directory 0755, for a symlink 0777. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly uname?: string;
  readonly gname?: string;
  /** Seconds; as text for more digits than a number has. Default 1 700 000 000. */
  readonly mtime?: number | string;
  /** The target of a symlink or hardlink. */
  readonly link?: string | Uint8Array;
  readonly major?: number;
  readonly minor?: number;
  readonly xattrs?: Readonly<Record<string, string | Uint8Array>>;
  /** Further pax records, as they are. */
  readonly pax?: PaxRecords;
  /** Changes the finished header, before its checksum is made. */
  readonly patch?: (header: Buffer) => void;
}

/** Bytes put between entries as they are. */
export interface RawTarBytes {
  readonly raw: Uint8Array;
}

export interface TarOptions {
  /** How what does not fit into a ustar header is written: default `pax`. */
  readonly format?: 'pax' | 'gnu';
  /** Whether the two zero blocks close it; default true. */
  readonly end?: boolean;
}

const typeflags: Readonly<Record<TarEntryType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  char: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};
const defaultModes: Partial<Record<TarEntryType, number>> = { directory: 0o755, symlink: 0o777 };
const blockSize = 512;

/** Writes a tar, entry by entry, in the order given. */
export function writeTar(entries: readonly (TarEntry | RawTarBytes)[], options: TarOptions = {}): Buffer {
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    if ('raw' in entry) parts.push(entry.raw);
    else parts.push(...encodeEntry(entry, options.format ?? 'pax'));
  }
  if (options.end !== false) parts.push(Buffer.alloc(2 * blockSize));
  return Buffer.concat(parts);
}

function encodeEntry(entry: TarEntry, format: 'pax' | 'gnu'): Uint8Array[] {
  const path = Buffer.from(entry.path);
  const link = Buffer.from(entry.link ?? '');
  const content = Buffer.from(entry.content ?? '');
  const parts: Uint8Array[] = [];
  if (format === 'gnu') {
    if (path.length > 100) parts.push(...longName('L', path));
    if (link.length > 100) parts.push(...longName('K', link));
  } else {
    const records = paxRecords(entry, path, link);
    if (Object.keys(records).length > 0) parts.push(...paxBlock('x', records));
  }
  parts.push(encodeHeader(entry, { path, link, size: entry.size ?? content.length, gnu: format === 'gnu' }));
  parts.push(content, padding(content.length));
  return parts;
}

function paxRecords(entry: TarEntry, path: Buffer, link: Buffer): PaxRecords {
  const records: Record<string, string | Uint8Array> = {};
  if (path.length > 100) records['path'] = path;
  if (link.length > 100) records['linkpath'] = link;
  for (const key of ['uid', 'gid'] as const) {
    if ((entry[key] ?? 0) > 0o7777777) records[key] = String(entry[key]);
  }
  const mtime = entry.mtime ?? 0;
  if (typeof mtime === 'string' || !Number.isInteger(mtime) || mtime < 0) records['mtime'] = String(mtime);
  for (const [name, value] of Object.entries(entry.xattrs ?? {})) records[`SCHILY.xattr.${name}`] = value;
  return { ...records, ...entry.pax };
}

function encodeHeader(
  entry: TarEntry,
  fields: { readonly path: Buffer; readonly link: Buffer; readonly size: number; readonly gnu: boolean },
): Buffer {
  const type = entry.type ?? 'file';
  const header = Buffer.alloc(blockSize);
  fields.path.copy(header, 0, 0, 100);
  numberField(header, 100, 8, entry.mode ?? defaultModes[type] ?? 0o644);
  numberField(header, 108, 8, entry.uid ?? 0, fields.gnu);
  numberField(header, 116, 8, entry.gid ?? 0, fields.gnu);
  numberField(header, 124, 12, fields.size, true);
  numberField(header, 136, 12, Math.floor(Number(entry.mtime ?? 1_700_000_000)), fields.gnu);
  header.write(entry.typeflag ?? typeflags[type], 156, 1, 'latin1');
  fields.link.copy(header, 157, 0, 100);
  header.write(fields.gnu ? 'ustar  \0' : 'ustar\u000000', 257, 'latin1');
  header.write(entry.uname ?? '', 265, 32);
  header.write(entry.gname ?? '', 297, 32);
  numberField(header, 329, 8, entry.major ?? 0);
  numberField(header, 337, 8, entry.minor ?? 0);
  entry.patch?.(header);
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

function padding(length: number): Buffer {
  return Buffer.alloc((blockSize - (length % blockSize)) % blockSize);
}
