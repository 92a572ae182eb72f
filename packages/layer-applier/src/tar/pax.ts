import { invalid } from '../extract/layer-error.ts';
import { aclValue } from './posix-acl.ts';

/** One extended header: keys to values, both latin1 (one character a byte); keys that repeat keep their order. */
export type PaxRecords = readonly (readonly [key: string, value: string])[];

/**
 * The records of a pax extended header, `LENGTH KEY=VALUE\n` each. POSIX.1-2001, pax "Extended Header".
 * Throws ERR_BOX_LAYER_INVALID for what is no such record.
 */
export function parsePax(bytes: Buffer): PaxRecords {
  const records: (readonly [string, string])[] = [];
  let at = 0;
  while (at < bytes.length) {
    const space = bytes.indexOf(0x20, at);
    const digits = space === -1 || space - at > 12 ? '' : bytes.toString('latin1', at, space);
    const length = /^[0-9]+$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    if (length < digits.length + 4 || end > bytes.length || bytes[end - 1] !== 0x0a) {
      // Some writers fill the last block with NULs and count them.
      if (isZero(bytes, at)) break;
      throw invalid('its extended header is malformed');
    }
    const equals = bytes.indexOf(0x3d, space + 1);
    if (equals === -1 || equals >= end || equals === space + 1) throw invalid('its extended header is malformed');
    records.push([bytes.toString('latin1', space + 1, equals), bytes.toString('latin1', equals + 1, end - 1)]);
    at = end;
  }
  return records;
}

function isZero(bytes: Buffer, from: number): boolean {
  for (let i = from; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** What extended headers say of one entry; undefined is not said. */
export interface PaxAttributes {
  path?: string | undefined;
  linkpath?: string | undefined;
  size?: number | undefined;
  uid?: number | undefined;
  gid?: number | undefined;
  mtime?: { seconds: number; nanoseconds: number } | undefined;
  /** star's device numbers. */
  major?: number | undefined;
  minor?: number | undefined;
  xattrs?: Map<string, Uint8Array> | undefined;
  sparse?: PaxSparse | undefined;
}

/** The GNU.sparse.* keys. */
export interface PaxSparse {
  major?: number;
  minor?: number;
  name?: string;
  realSize?: number;
  /** Of 0.0 and 0.1: offset and length by turns. */
  map?: number[];
}

/** Applies records to attributes: a later one replaces, an empty value takes back. */
export function applyPax(records: PaxRecords, to: PaxAttributes): void {
  for (const [key, value] of records) {
    if (key.startsWith('SCHILY.xattr.')) setXattr(to, key.slice(13), Buffer.from(value, 'latin1'));
    else if (key.startsWith('SCHILY.acl.')) setAcl(to, key, value);
    else if (key.startsWith('LIBARCHIVE.xattr.')) setLibarchiveXattr(to, key.slice(17), value);
    else if (key.startsWith('GNU.sparse.')) applySparse(key.slice(11), value, (to.sparse ??= {}));
    else applyField(key, value, to);
  }
}

function applyField(key: string, value: string, to: PaxAttributes): void {
  switch (key) {
    case 'path':
      to.path = text(value, key);
      break;
    case 'linkpath':
      to.linkpath = text(value, key);
      break;
    case 'size':
    case 'uid':
    case 'gid':
      to[key] = value === '' ? undefined : integer(value, key);
      break;
    case 'mtime':
      to.mtime = value === '' ? undefined : parseTime(value);
      break;
    case 'SCHILY.devmajor':
      to.major = value === '' ? undefined : integer(value, key);
      break;
    case 'SCHILY.devminor':
      to.minor = value === '' ? undefined : integer(value, key);
      break;
    case 'SCHILY.realsize':
      (to.sparse ??= {}).realSize = integer(value, key);
      break;
    default:
  }
}

/** Names that are fields of their own in a header cannot hold a NUL: what follows it would be lost in silence. */
function text(value: string, key: string): string | undefined {
  if (value.includes('\0')) throw invalid(`the ${key} in its extended header holds a NUL`);
  return value === '' ? undefined : value;
}

function integer(value: string, key: string): number {
  const number = /^-?[0-9]{1,19}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw invalid(`the ${key} in its extended header is no number`);
  return number;
}

/** Python's tarfile writes very small and very large numbers so: `-1e-09`. */
const scientific = /^-?[0-9](?:\.[0-9]{1,20})?e[-+][0-9]{2}$/;

/** `[-]SECONDS[.FRACTION]`, cut off after nanoseconds towards the past, as the kernel keeps times. */
export function parseTime(value: string): { seconds: number; nanoseconds: number } {
  const plain = scientific.test(value) ? Number(value).toFixed(9) : value;
  const match = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/.exec(plain);
  if (match === null) throw invalid('the mtime in its extended header is no number');
  const seconds = Number(match[2]);
  const nanoseconds = Number((match[3] ?? '').slice(0, 9).padEnd(9, '0'));
  if (match[1] === '') return { seconds, nanoseconds };
  return nanoseconds === 0
    ? { seconds: 0 - seconds, nanoseconds: 0 }
    : { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds };
}

/** XATTR_NAME_MAX of the kernel. */
const longestXattrName = 255;

function setXattr(to: PaxAttributes, name: string, value: Uint8Array): void {
  if (name === '' || name.length > longestXattrName || name.includes('\0'))
    throw invalid('an xattr in its extended header has no proper name');
  if (name.startsWith('system.posix_acl_')) to.xattrs?.delete(name.replace('system.posix_acl_', 'SCHILY.acl.'));
  (to.xattrs ??= new Map()).set(name, value);
}

/** As the xattr that the kernel keeps it in; what cannot be said so stays under its key, and is warned of where xattrs are set. */
function setAcl(to: PaxAttributes, key: string, value: string): void {
  const name = { 'SCHILY.acl.access': 'access', 'SCHILY.acl.default': 'default' }[key];
  // GNU tar with --xattrs writes the xattr too, which has numbers where this has names.
  if (to.xattrs?.has(`system.posix_acl_${name}`) === true) return;
  const acl = name === undefined ? undefined : aclValue(value);
  if (acl === undefined) setXattr(to, key, Buffer.from(value, 'latin1'));
  else setXattr(to, `system.posix_acl_${name}`, acl);
}

/** libarchive writes the name URL-encoded and the value in base64 without padding. */
function setLibarchiveXattr(to: PaxAttributes, encodedName: string, value: string): void {
  const name = encodedName.replaceAll(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  // bsdtar writes both forms; the plain one is exact.
  if (to.xattrs?.has(name) !== true) setXattr(to, name, Buffer.from(value, 'base64'));
}

function applySparse(key: string, value: string, to: PaxSparse): void {
  switch (key) {
    case 'major':
    case 'minor':
      to[key] = integer(value, key);
      break;
    case 'name':
      to.name = text(value, key) ?? '';
      break;
    case 'size':
    case 'realsize':
      to.realSize = integer(value, key);
      break;
    case 'numblocks':
      to.map ??= [];
      break;
    case 'offset':
    case 'numbytes':
      (to.map ??= []).push(integer(value, key));
      break;
    case 'map':
      to.map = value === '' ? [] : value.split(',').map((number) => integer(number, key));
      break;
    default:
  }
}
