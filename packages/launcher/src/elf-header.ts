/** What an ELF file says about where it can run. */
export interface ElfHeader {
  /** As `uname -m` names it, or the number. */
  readonly machine: string;
  /** The dynamic loader that it asks for; undefined for a static program. */
  readonly interpreter: string | undefined;
}

/** e_machine, from elf.h. */
const machines: Readonly<Record<number, string>> = {
  3: 'i386',
  8: 'mips',
  20: 'ppc',
  21: 'ppc64',
  22: 's390x',
  40: 'arm',
  62: 'x86_64',
  183: 'aarch64',
  243: 'riscv64',
  258: 'loongarch64',
};
const interpreterSegment = 3; // PT_INTERP

/** Reads the header out of a file's first bytes; undefined when they are no ELF. elf(5). */
export function parseElf(bytes: Buffer): ElfHeader | undefined {
  if (bytes.length < 52 || bytes.toString('latin1', 0, 4) !== '\x7fELF') return undefined;
  const reader = new Reader(bytes, { wide: bytes[4] === 2, big: bytes[5] === 2 });
  const number = reader.half(18);
  return { machine: machines[number] ?? `machine ${number}`, interpreter: interpreter(reader) };
}

function interpreter(reader: Reader): string | undefined {
  const { wide } = reader;
  const table = reader.word(wide ? 32 : 28);
  const size = reader.half(wide ? 54 : 42);
  const count = reader.half(wide ? 56 : 44);
  for (let at = 0; at < count; at++) {
    const header = table + at * size;
    if (reader.long(header) !== interpreterSegment) continue;
    const offset = reader.word(header + (wide ? 8 : 4));
    const length = reader.word(header + (wide ? 32 : 16));
    return reader.text(offset, Math.min(length, 4096));
  }
  return undefined;
}

/** Numbers out of bytes that may end anywhere: what is missing is 0. */
class Reader {
  readonly wide: boolean;
  readonly #big: boolean;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, { wide, big }: { wide: boolean; big: boolean }) {
    this.#bytes = bytes;
    this.wide = wide;
    this.#big = big;
  }

  half(offset: number): number {
    return this.#number(offset, 2);
  }

  long(offset: number): number {
    return this.#number(offset, 4);
  }

  /** An address or offset of the file's class. */
  word(offset: number): number {
    return this.#number(offset, this.wide ? 6 : 4, this.wide ? 8 : 4);
  }

  text(offset: number, length: number): string {
    return this.#bytes.toString('utf8', offset, offset + length).split('\0')[0] ?? '';
  }

  /** The low `width` bytes of a field of `size` bytes. */
  #number(offset: number, width: number, size = width): number {
    if (offset < 0 || offset + size > this.#bytes.length) return 0;
    return this.#big ? this.#bytes.readUIntBE(offset + size - width, width) : this.#bytes.readUIntLE(offset, width);
  }
}
