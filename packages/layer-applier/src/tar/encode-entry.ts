import type { EntryType, LayerEntry } from '../layer-index/layer-entry.ts';
import { blockSize } from './header.ts';
import type { Segment } from './sparse.ts';
import { TarType } from './tar-entry.ts';

/** What a header is written from. Paths are bytes (latin1), without a leading slash. */
export type EncodedEntry = Pick<
  LayerEntry,
  'type' | 'path' | 'mode' | 'uid' | 'gid' | 'size' | 'mtime' | 'link' | 'major' | 'minor' | 'xattrs'
>;

const flags: Readonly<Record<Exclude<EntryType, 'whiteout' | 'opaque'>, number>> = {
  file: TarType.file,
  hardlink: TarType.hardlink,
  symlink: TarType.symlink,
  'character-device': TarType.characterDevice,
  'block-device': TarType.blockDevice,
  directory: TarType.directory,
  fifo: TarType.fifo,
};
const paxFlag = 0x78;

/** What eleven and seven octal digits hold. */
const mostSize = 0o77777777777;
const mostId = 0o7777777;

/**
 * The header of one entry: ustar, after a pax header for what does not fit into it: long names, large numbers, times
 * between seconds, xattrs. The same entry gives the same bytes. POSIX.1-2001 pax, "pax Interchange Format".
 */
export function encodeEntry(entry: EncodedEntry): Buffer {
  return encode(entry, nameOf(entry), entry.type === 'file' ? entry.size : 0, []);
}

/** The header of a file with holes, and the map of its data; what follows is the data without the holes. GNU tar manual, "PAX Format, Version 1.0". */
export function encodeSparse(entry: EncodedEntry, segments: readonly Segment[]): Buffer {
  const numbers = [segments.length, ...segments.flatMap(({ offset, length }) => [offset, length])];
  const map = padded(Buffer.from(numbers.map((number) => `${number}\n`).join('')));
  const stored = segments.reduce((sum, { length }) => sum + length, map.length);
  const records: [string, string | Uint8Array][] = [
    ['GNU.sparse.major', '1'],
    ['GNU.sparse.minor', '0'],
    ['GNU.sparse.name', entry.path],
    ['GNU.sparse.realsize', String(entry.size)],
  ];
  return Buffer.concat([encode(entry, entry.path, stored, records), map]);
}

/** The zeros that fill the last block of so many bytes of data. */
export function padding(size: number): Buffer {
  return Buffer.alloc(-size & (blockSize - 1));
}

/** What ends a tar. */
export const endOfTar: Buffer = Buffer.alloc(2 * blockSize);

function nameOf({ type, path }: EncodedEntry): string {
  return type === 'directory' ? `${path === '' ? '.' : path}/` : path;
}

function encode(
  entry: EncodedEntry,
  name: string,
  size: number,
  more: readonly (readonly [string, string | Uint8Array])[],
): Buffer {
  const { uid, gid, link, xattrs } = entry;
  const records: (readonly [string, string | Uint8Array])[] = [...more];
  if (name.length > 100) records.push(['path', name]);
  if (link.length > 100) records.push(['linkpath', link]);
  if (size > mostSize) records.push(['size', String(size)]);
  if (uid > mostId) records.push(['uid', String(uid)]);
  if (gid > mostId) records.push(['gid', String(gid)]);
  const { seconds, nanoseconds } = entry.mtime;
  if (nanoseconds !== 0 || seconds < 0 || seconds > mostSize) records.push(['mtime', timeText(entry.mtime)]);
  for (const [key, value] of [...(xattrs ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    records.push([`SCHILY.xattr.${key}`, value]);
  }
  const plain = header(entry, name, Math.min(size, mostSize), flags[entry.type as keyof typeof flags]);
  if (records.length === 0) return plain;
  const body = Buffer.concat(records.map(([key, value]) => record(key, value)));
  const extended: EncodedEntry = { ...entry, mode: 0o644, uid: 0, gid: 0, link: '' as never, major: 0, minor: 0 };
  return Buffer.concat([header(extended, 'PaxHeaders/entry', body.length, paxFlag), padded(body), plain]);
}

/** `LENGTH KEY=VALUE\n`, where the length counts its own digits. */
function record(key: string, value: string | Uint8Array): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : value;
  const start = ` ${key}=`;
  const rest = start.length + bytes.length + 1;
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length = rest + String(length).length;
  return Buffer.concat([Buffer.from(`${length}${start}`, 'latin1'), bytes, Buffer.from('\n')]);
}

/** Decimal, with a fraction: -1.5 is -2 seconds and half a second. */
function timeText({ seconds, nanoseconds }: EncodedEntry['mtime']): string {
  if (nanoseconds === 0) return String(seconds);
  const negative = seconds < 0;
  const whole = negative ? -(seconds + 1) : seconds;
  const fraction = String(negative ? 1e9 - nanoseconds : nanoseconds).padStart(9, '0');
  return `${negative ? '-' : ''}${whole}.${fraction.replace(/0+$/, '')}`;
}

function header(entry: EncodedEntry, name: string, size: number, flag: number): Buffer {
  const block = Buffer.alloc(blockSize);
  block.write(name.slice(0, 100), 0, 'latin1');
  octal(block, entry.mode, 100, 8);
  octal(block, entry.uid > mostId ? 0 : entry.uid, 108, 8);
  octal(block, entry.gid > mostId ? 0 : entry.gid, 116, 8);
  octal(block, size, 124, 12);
  octal(block, Math.min(Math.max(0, entry.mtime.seconds), mostSize), 136, 12);
  block.fill(' ', 148, 156);
  block[156] = flag;
  block.write(entry.link.slice(0, 100), 157, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  device(block, entry.major, 329);
  device(block, entry.minor, 337);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function octal(block: Buffer, value: number, at: number, width: number): void {
  block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
}

/** In octal, or in base 256 as GNU and star have it: pax has no record for device numbers. */
function device(block: Buffer, value: number, at: number): void {
  if (value <= mostId) octal(block, value, at, 8);
  else {
    block[at] = 0x80;
    block.writeUIntBE(value, at + 2, 6);
  }
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, padding(bytes.length)]);
}
