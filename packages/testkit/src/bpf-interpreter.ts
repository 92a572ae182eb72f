/** What a filter looks at: seccomp(2)'s struct seccomp_data. */
export interface SeccompData {
  readonly nr: number;
  /** AUDIT_ARCH_*. */
  readonly arch: number;
  readonly args?: readonly bigint[];
}

/**
 * Runs a classic-BPF seccomp filter as the kernel would and returns its verdict (SECCOMP_RET_* with data).
 * Throws for what the kernel's checker refuses: unknown instructions, a jump out of the program, no return at the end.
 */
export function runSeccompFilter(program: Uint8Array, data: SeccompData): number {
  if (program.length === 0 || program.length % 8 !== 0) throw new Error('a program is a list of 8-byte instructions');
  const code = new DataView(program.buffer, program.byteOffset, program.length);
  const input = encode(data);
  let accumulator = 0;
  for (let pc = 0; pc * 8 < program.length; pc++) {
    const k = code.getUint32(pc * 8 + 4, true);
    const jump = (taken: boolean): number => code.getUint8(pc * 8 + (taken ? 2 : 3));
    switch (code.getUint16(pc * 8, true)) {
      case 0x20:
        if (k % 4 !== 0 || k > 60) throw new Error(`load outside of seccomp_data: ${k}`);
        accumulator = input.getUint32(k, true);
        break;
      case 0x54:
        accumulator = (accumulator & k) >>> 0;
        break;
      case 0x05:
        pc += k;
        break;
      case 0x15:
        pc += jump(accumulator === k);
        break;
      case 0x25:
        pc += jump(accumulator > k);
        break;
      case 0x35:
        pc += jump(accumulator >= k);
        break;
      case 0x06:
        return k;
      default:
        throw new Error(`unknown instruction at ${pc}`);
    }
  }
  throw new Error('the program ends without a return');
}

function encode({ nr, arch, args = [] }: SeccompData): DataView {
  const view = new DataView(new ArrayBuffer(64));
  view.setInt32(0, nr, true);
  view.setUint32(4, arch, true);
  for (const [index, value] of args.entries()) view.setBigUint64(16 + 8 * index, BigInt.asUintN(64, value), true);
  return view;
}
