import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** What a program asks the system to load beside it. Parsed from its headers, nothing is run. System V ABI, "Object Files". */
export interface ElfFile {
  readonly bits: 32 | 64;
  readonly littleEndian: boolean;
  /** `e_machine`: 62 for x86-64, 183 for AArch64. */
  readonly machine: number;
  /** The dynamic loader's path; absent from libraries and from statically linked programs. */
  readonly interpreter?: string;
  readonly needed: readonly string[];
  readonly rpath: readonly string[];
  readonly runpath: readonly string[];
}

/** The start of a program: an ELF file's needs, the `#!` line of a script, or neither. */
export type ProgramHead =
  | { readonly kind: 'elf'; readonly elf: ElfFile }
  | { readonly kind: 'script'; readonly interpreter: string; readonly argument?: string }
  | { readonly kind: 'other' };

/** The kernel reads this much of a script's first line (BINPRM_BUF_SIZE). */
const shebangLimit = 256;
const tableLimit = 16 * 1024 * 1024;

const segment = { load: 1, dynamic: 2, interpreter: 3 } as const;
const tag = { needed: 1, stringTable: 5, stringSize: 10, rpath: 15, runpath: 29 } as const;

/** Reads the few kilobytes of `path` that say what it needs. Throws the system's error, or an Error for a broken ELF file. */
export function readProgramHead(path: string): ProgramHead {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(descriptor).isFile()) return { kind: 'other' };
    const start = readAt(descriptor, 0, 4096);
    if (start.length >= 4 && start.readUInt32BE(0) === 0x7f454c46)
      return { kind: 'elf', elf: parseElf(descriptor, start) };
    if (start.length >= 2 && start.toString('latin1', 0, 2) === '#!')
      return parseShebang(start.subarray(2, shebangLimit));
    return { kind: 'other' };
  } finally {
    closeSync(descriptor);
  }
}

function parseShebang(line: Buffer): ProgramHead {
  const end = line.indexOf(0x0a);
  const text = line.toString('utf8', 0, end === -1 ? line.length : end).trim();
  const [, interpreter, argument] = /^(\S+)(?:[ \t]+(.*))?$/.exec(text) ?? [];
  if (interpreter === undefined) return { kind: 'other' };
  return { kind: 'script', interpreter, ...(argument === undefined ? {} : { argument }) };
}

function readAt(descriptor: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const read = readSync(descriptor, bytes, 0, length, position);
  return bytes.subarray(0, read);
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/** Reads numbers as the file's class and byte order have them. */
function numbers(bits: 32 | 64, littleEndian: boolean) {
  return {
    half: (bytes: Buffer, at: number) => (littleEndian ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at)),
    word: (bytes: Buffer, at: number) => (littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)),
    /** An address, an offset or a size. */
    native(bytes: Buffer, at: number): number {
      if (bits === 32) return this.word(bytes, at);
      const value = littleEndian ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at);
      return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
    },
  };
}

function parseElf(descriptor: number, start: Buffer): ElfFile {
  if (start.length < 64) throw new Error('its ELF header is cut short');
  const bits = start[4] === 1 ? 32 : 64;
  const littleEndian = start[5] !== 2;
  const read = numbers(bits, littleEndian);
  const machine = read.half(start, 18);
  const segments = parseSegments(descriptor, start, bits, read);

  const interpreterSegment = segments.find((each) => each.type === segment.interpreter);
  const interpreter =
    interpreterSegment === undefined
      ? undefined
      : text(bounded(descriptor, interpreterSegment.offset, interpreterSegment.size, 4096), 0);
  const common = { bits, littleEndian, machine, ...(interpreter === undefined ? {} : { interpreter }) } as const;

  const dynamic = segments.find((each) => each.type === segment.dynamic);
  if (dynamic === undefined) return { ...common, needed: [], rpath: [], runpath: [] };
  const entries = parseDynamic(bounded(descriptor, dynamic.offset, dynamic.size, tableLimit), bits, read);
  const strings = readStrings(descriptor, entries, segments);
  const list = (wanted: number) =>
    entries.filter((entry) => entry.tag === wanted).map((entry) => text(strings, entry.value));
  const paths = (wanted: number) => list(wanted).flatMap((value) => value.split(':').filter((path) => path !== ''));
  return { ...common, needed: list(tag.needed), rpath: paths(tag.rpath), runpath: paths(tag.runpath) };
}

function parseSegments(
  descriptor: number,
  start: Buffer,
  bits: 32 | 64,
  read: ReturnType<typeof numbers>,
): readonly Segment[] {
  const wide = bits === 64;
  const tableOffset = read.native(start, wide ? 32 : 28);
  const entrySize = read.half(start, wide ? 54 : 42);
  const count = read.half(start, wide ? 56 : 44);
  if (count > 0 && entrySize < (wide ? 56 : 32)) throw new Error('its program header table is malformed');
  const table = bounded(descriptor, tableOffset, entrySize * count, tableLimit);
  return Array.from({ length: count }, (_, index) => {
    const at = index * entrySize;
    return {
      type: read.word(table, at),
      offset: read.native(table, at + (wide ? 8 : 4)),
      address: read.native(table, at + (wide ? 16 : 8)),
      size: read.native(table, at + (wide ? 32 : 16)),
    };
  });
}

function parseDynamic(bytes: Buffer, bits: 32 | 64, read: ReturnType<typeof numbers>) {
  const width = bits / 8;
  const entries: { readonly tag: number; readonly value: number }[] = [];
  for (let at = 0; at + 2 * width <= bytes.length; at += 2 * width) {
    const entry = { tag: read.native(bytes, at), value: read.native(bytes, at + width) };
    if (entry.tag === 0) break;
    entries.push(entry);
  }
  return entries;
}

function readStrings(
  descriptor: number,
  entries: readonly { readonly tag: number; readonly value: number }[],
  segments: readonly Segment[],
): Buffer {
  const address = entries.find((entry) => entry.tag === tag.stringTable)?.value;
  const size = entries.find((entry) => entry.tag === tag.stringSize)?.value ?? 0;
  if (address === undefined || size === 0) return Buffer.alloc(0);
  // DT_STRTAB is an address in memory; the segment that is loaded there says where it is in the file.
  const home = segments.find(
    (each) => each.type === segment.load && address >= each.address && address < each.address + each.size,
  );
  if (home === undefined) throw new Error('its dynamic string table lies outside of the file');
  return bounded(descriptor, home.offset + (address - home.address), size, tableLimit);
}

function bounded(descriptor: number, offset: number, size: number, limit: number): Buffer {
  if (size > limit || offset >= Number.MAX_SAFE_INTEGER - limit) throw new Error('its ELF tables are malformed');
  const bytes = readAt(descriptor, offset, size);
  if (bytes.length < size) throw new Error('it is cut short');
  return bytes;
}

function text(strings: Buffer, offset: number): string {
  if (offset >= strings.length) throw new Error('a name lies outside of its dynamic string table');
  const end = strings.indexOf(0, offset);
  return strings.toString('utf8', offset, end === -1 ? strings.length : end);
}
