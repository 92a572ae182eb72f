/** An entry as it goes into a tar. Names and links are bytes. */
export interface PackedEntry {
  /** A type flag of ustar(5). */
  readonly type: '0' | '1' | '2' | '3' | '4' | '5' | '6';
  readonly name: Buffer;
  readonly link: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content that follow. */
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
}

export const blockSize = 512;
const nameLength = 100;
/** What eleven, or seven, octal digits hold. */
const [largest, largestId] = [0o77777777777, 0o7777777];

/** The header of an entry: ustar, with a pax header before it for what that cannot say. pax(1), POSIX.1-2001. */
export function tarHeader(entry: PackedEntry): Buffer {
  const records = paxRecords(entry);
  const header = ustarHeader(entry);
  if (records.length === 0) return header;
  const body = Buffer.concat(records);
  const plain = { mode: 0o644, uid: 0, gid: 0, mtime: 0, major: 0, minor: 0, link: Buffer.alloc(0) };
  const before = ustarHeader({ ...plain, type: 'x', name: Buffer.from('././@PaxHeader'), size: body.length });
  return Buffer.concat([before, body, Buffer.alloc(padding(body.length)), header]);
}

/** Bytes that fill content up to a block. */
export function padding(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize;
}

function paxRecords({ name, link, size, uid, gid, mtime, xattrs }: PackedEntry): Buffer[] {
  return [
    ...(needsRecord(name) ? [record('path', name)] : []),
    ...(needsRecord(link) ? [record('linkpath', link)] : []),
    ...(size > largest ? [record('size', Buffer.from(String(size)))] : []),
    ...(uid > largestId ? [record('uid', Buffer.from(String(uid)))] : []),
    ...(gid > largestId ? [record('gid', Buffer.from(String(gid)))] : []),
    ...(mtime < 0 || mtime > largest ? [record('mtime', Buffer.from(String(mtime)))] : []),
    ...[...xattrs].map(([key, value]) => record(`SCHILY.xattr.${key}`, value)),
  ];
}

/** Bytes beyond ASCII too: ustar does not say what they mean. */
function needsRecord(path: Buffer): boolean {
  return path.length > nameLength || path.some((byte) => byte > 127);
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
function record(key: string, value: Uint8Array): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

type UstarFields = Omit<PackedEntry, 'xattrs' | 'type'> & { readonly type: PackedEntry['type'] | 'x' };

function ustarHeader({ type, name, link, mode, uid, gid, size, mtime, major, minor }: UstarFields): Buffer {
  const header = Buffer.alloc(blockSize);
  name.copy(header, 0, 0, nameLength);
  octal(header, 100, 7, mode);
  octal(header, 108, 7, uid > largestId ? 0 : uid);
  octal(header, 116, 7, gid > largestId ? 0 : gid);
  octal(header, 124, 11, size > largest ? 0 : size);
  octal(header, 136, 11, mtime < 0 || mtime > largest ? 0 : mtime);
  header.fill(0x20, 148, 156);
  header.write(type, 156, 'latin1');
  link.copy(header, 157, 0, nameLength);
  header.write('ustar\u000000', 257, 'latin1');
  octal(header, 329, 7, major);
  octal(header, 337, 7, minor);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

function octal(header: Buffer, at: number, digits: number, value: number): void {
  header.write(value.toString(8).padStart(digits, '0'), at, 'latin1');
}
