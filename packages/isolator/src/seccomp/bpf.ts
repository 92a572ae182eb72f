/**
 * Classic BPF as seccomp(2) takes it: instructions of 8 bytes over a `struct seccomp_data`
 * { int nr; u32 arch; u64 instruction_pointer; u64 args[6]; }, little-endian on every machine box runs on.
 */
export const Bpf = {
  /** A = the 32-bit word at offset k. */
  load: 0x20,
  and: 0x54,
  jump: 0x05,
  jumpEqual: 0x15,
  jumpGreater: 0x25,
  jumpGreaterOrEqual: 0x35,
  return: 0x06,
} as const;

export interface BpfInstruction {
  readonly code: number;
  /** Instructions to skip when the comparison holds, and when it does not; at most 255. */
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** Offsets into struct seccomp_data. */
export const offsetOf = {
  nr: 0,
  arch: 4,
  argumentLow: (index: number): number => 16 + 8 * index,
  argumentHigh: (index: number): number => 20 + 8 * index,
} as const;

/** What a filter returns; seccomp(2) "seccomp return values". */
export const seccompReturn = {
  killProcess: 0x8000_0000,
  killThread: 0,
  trap: 0x0003_0000,
  errno: 0x0005_0000,
  trace: 0x7ff0_0000,
  log: 0x7ffc_0000,
  allow: 0x7fff_0000,
} as const;

/** The kernel's limit on instructions of one filter (BPF_MAXINSNS). */
export const maximumInstructions = 4096;

export function statement(code: number, k: number): BpfInstruction {
  return { code, jt: 0, jf: 0, k: k >>> 0 };
}

export function branch(code: number, k: number, jt: number, jf: number): BpfInstruction {
  return { code, jt, jf, k: k >>> 0 };
}

/**
 * `if (A <comparison> k) then … else …`, laid out as the comparison, then `otherwise`, then `then`. The offset of a
 * conditional jump is a byte, so a long `otherwise` is passed over by an unconditional jump.
 */
export function choose(
  code: number,
  k: number,
  then: readonly BpfInstruction[],
  otherwise: readonly BpfInstruction[],
): BpfInstruction[] {
  if (otherwise.length <= 255) return [branch(code, k, otherwise.length, 0), ...otherwise, ...then];
  return [branch(code, k, 0, 1), statement(Bpf.jump, otherwise.length), ...otherwise, ...then];
}

/** The bytes of `struct sock_filter[]`: what seccomp(2) reads, and bubblewrap's --seccomp. */
export function encodeBpf(program: readonly BpfInstruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [index, { code, jt, jf, k }] of program.entries()) {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, jt);
    view.setUint8(index * 8 + 3, jf);
    view.setUint32(index * 8 + 4, k, true);
  }
  return bytes;
}
