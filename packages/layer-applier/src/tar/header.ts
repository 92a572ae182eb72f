import { invalid } from '../extract/layer-error.ts';

/** Bytes of a tar block. */
export const blockSize = 512;

/** The fields of one header block, before extended headers change them. POSIX.1-1988 ustar, and its GNU, star and v7 kin. */
export interface Header {
  /** latin1: one character a byte. */
  name: string;
  link: string;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  mtime: number;
  /** The type flag as a character code; NUL is told as '0'. */
  type: number;
  dialect: Dialect;
  major: number;
  minor: number;
}

export type Dialect = 'v7' | 'ustar' | 'gnu' | 'star';

export function emptyHeader(): Header {
  return {
    name: '',
    link: '',
    mode: 0,
    uid: 0,
    gid: 0,
    size: 0,
    mtime: 0,
    type: 0,
    dialect: 'v7',
    major: 0,
    minor: 0,
  };
}

const ustar = Buffer.from('ustar');
const star = Buffer.from('tar\x00', 'latin1');
const zeros = Buffer.alloc(blockSize);

/** Whether the block at `at` is all zero. */
export function isZeroBlock(buffer: Buffer, at: number): boolean {
  return buffer[at] === 0 && buffer.compare(zeros, 0, blockSize, at, at + blockSize) === 0;
}

/** Whether the block's checksum fits: the sum as POSIX has it, of unsigned bytes, or as some old tars have it, of signed. */
export function hasValidChecksum(buffer: Buffer, at: number): boolean {
  const stored = checksumField(buffer, at + 148);
  // The sum counts the field itself as blanks.
  let unsigned = sumOfBlock(buffer, at) + 8 * 32;
  for (let i = at + 148; i < at + 156; i++) unsigned -= buffer[i] as number;
  if (stored === unsigned) return true;
  let high = 0;
  for (let i = 0; i < blockSize; i++) if (i < 148 || i >= 156) high += (buffer[at + i] as number) >> 7;
  return stored === unsigned - 256 * high;
}

/** The same buffer is read again and again: a view of its words, made once. */
let viewed: { readonly buffer: Buffer; readonly words: Uint32Array } | undefined;

/** Four bytes at a time, in two lanes that cannot overflow: 256 times 255 is less than 65,536. */
function sumOfBlock(buffer: Buffer, at: number): number {
  if ((buffer.byteOffset & 3) !== 0 || (at & 3) !== 0) {
    let sum = 0;
    for (let i = at; i < at + blockSize; i++) sum += buffer[i] as number;
    return sum;
  }
  if (viewed?.buffer !== buffer) {
    viewed = { buffer, words: new Uint32Array(buffer.buffer, buffer.byteOffset, buffer.length >> 2) };
  }
  const { words } = viewed;
  const first = at >> 2;
  let lanes = 0;
  for (let i = first; i < first + blockSize / 4; i++) {
    const word = words[i] as number;
    lanes += (word & 0xff00ff) + ((word >>> 8) & 0xff00ff);
  }
  return (lanes & 0xffff) + (lanes >>> 16);
}

/** The stored sum; NaN when the field holds none. */
function checksumField(buffer: Buffer, at: number): number {
  let value = 0;
  let digits = 0;
  for (let i = at; i < at + 8; i++) {
    const byte = buffer[i] as number;
    if (byte >= 0x30 && byte <= 0x37) {
      value = value * 8 + byte - 0x30;
      digits++;
    } else if (digits > 0 || (byte !== 0x20 && byte !== 0)) {
      break;
    }
  }
  return digits === 0 ? Number.NaN : value;
}

/** Reads the block at `at` into `header`. Throws ERR_BOX_LAYER_INVALID for a wrong checksum or number. */
export function parseHeader(buffer: Buffer, at: number, header: Header): void {
  if (!hasValidChecksum(buffer, at)) throw invalid('its header has a wrong checksum: this is no tar, or it is damaged');
  const type = buffer[at + 156] as number;
  header.type = type === 0 ? 0x30 : type;
  header.dialect = dialectOf(buffer, at);
  header.name = textField(buffer, at, 100);
  header.link = textField(buffer, at + 157, 100);
  header.mode = numberField(buffer, at + 100, 8, 'mode') & 0o7777;
  header.uid = numberField(buffer, at + 108, 8, 'uid');
  header.gid = numberField(buffer, at + 116, 8, 'gid');
  header.size = numberField(buffer, at + 124, 12, 'size');
  header.mtime = numberField(buffer, at + 136, 12, 'mtime');
  header.major = 0;
  header.minor = 0;
  if (header.dialect === 'v7') return;
  if (header.type === 0x33 || header.type === 0x34) {
    header.major = numberField(buffer, at + 329, 8, 'devmajor');
    header.minor = numberField(buffer, at + 337, 8, 'devminor');
  }
  if (header.dialect !== 'gnu' && buffer[at + 345] !== 0) {
    const prefix = textField(buffer, at + 345, header.dialect === 'star' ? 131 : 155);
    header.name = `${prefix}/${header.name}`;
  }
}

function dialectOf(buffer: Buffer, at: number): Dialect {
  if (!matches(buffer, at + 257, ustar)) return 'v7';
  if (buffer[at + 262] === 0x20 && buffer[at + 263] === 0x20 && buffer[at + 264] === 0) return 'gnu';
  if (buffer[at + 262] !== 0) return 'v7';
  return matches(buffer, at + 508, star) ? 'star' : 'ustar';
}

function matches(buffer: Buffer, at: number, magic: Buffer): boolean {
  for (let i = 0; i < magic.length; i++) if (buffer[at + i] !== magic[i]) return false;
  return true;
}

/** A text field: up to its NUL, or all of it. */
export function textField(buffer: Buffer, at: number, length: number): string {
  let end = at;
  while (end < at + length && buffer[end] !== 0) end++;
  if (end === at) return '';
  return buffer.toString('latin1', at, end);
}

/** A number in octal, or in base 256 when its first bit is set (GNU, star). An empty field is 0. */
export function numberField(buffer: Buffer, at: number, length: number, name: string): number {
  const first = buffer[at] as number;
  if (first >= 0x80) return base256(buffer, at, length, name);
  let i = at;
  const end = at + length;
  while (i < end && (buffer[i] === 0x20 || buffer[i] === 0)) i++;
  let value = 0;
  for (; i < end; i++) {
    const byte = buffer[i] as number;
    if (byte === 0x20 || byte === 0) break;
    if (byte < 0x30 || byte > 0x37) throw invalid(`the ${name} in its header is no number`);
    value = value * 8 + byte - 0x30;
  }
  return value;
}

function base256(buffer: Buffer, at: number, length: number, name: string): number {
  const first = buffer[at] as number;
  const negative = (first & 0x40) !== 0;
  let value = BigInt(negative ? first - 0x100 : first & 0x3f);
  for (let i = at + 1; i < at + length; i++) value = value * 256n + BigInt(buffer[i] as number);
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER)) {
    throw invalid(`the ${name} in its header is out of range`);
  }
  return Number(value);
}
