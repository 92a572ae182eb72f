import { aarch64 } from './aarch64.ts';
import { machineCode } from './instruction.ts';
import { programAddress, programCapacity } from './layout.ts';
import { x8664 } from './x86-64.ts';

/** The processors that the stub exists for, as node:os's machine() names them. */
export type StubMachine = 'x86_64' | 'aarch64';

const codeAddress = 0x40_0000;
const headerSize = 64;
const segmentSize = 56;
/** Large enough for every page size that aarch64 has. */
const alignment = 0x1_0000;

/**
 * The exec stub as an executable: a static ELF of two segments, the code and zeroed memory for the program, that needs
 * no interpreter, no library and no file of the container.
 */
export function stubExecutable(machine: StubMachine): Buffer {
  const code = machineCode(machine === 'x86_64' ? x8664 : aarch64);
  const codeOffset = headerSize + 3 * segmentSize;
  const size = codeOffset + code.length;
  return Buffer.concat([
    header(machine === 'x86_64' ? 62 : 183, codeAddress + codeOffset),
    segment({ type: 1, flags: 5, address: codeAddress, fileSize: size, memorySize: size, align: alignment }),
    segment({ type: 1, flags: 6, address: programAddress, fileSize: 0, memorySize: programCapacity, align: alignment }),
    // PT_GNU_STACK without the execute flag
    segment({ type: 0x6474_e551, flags: 6, address: 0, fileSize: 0, memorySize: 0, align: 16 }),
    code,
  ]);
}

function header(machine: number, entry: number): Buffer {
  const bytes = Buffer.alloc(headerSize);
  bytes.write('\x7fELF\x02\x01\x01', 'latin1');
  bytes.writeUInt16LE(2, 16); // ET_EXEC
  bytes.writeUInt16LE(machine, 18);
  bytes.writeUInt32LE(1, 20);
  bytes.writeBigUInt64LE(BigInt(entry), 24);
  bytes.writeBigUInt64LE(BigInt(headerSize), 32);
  bytes.writeUInt16LE(headerSize, 52);
  bytes.writeUInt16LE(segmentSize, 54);
  bytes.writeUInt16LE(3, 56);
  return bytes;
}

interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly address: number;
  readonly fileSize: number;
  readonly memorySize: number;
  readonly align: number;
}

function segment({ type, flags, address, fileSize, memorySize, align }: Segment): Buffer {
  const bytes = Buffer.alloc(segmentSize);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(flags, 4);
  [0, address, address, fileSize, memorySize, align].forEach((word, at) => {
    bytes.writeBigUInt64LE(BigInt(word), 8 + 8 * at);
  });
  return bytes;
}
