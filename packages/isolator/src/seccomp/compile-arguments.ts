import { Bpf, branch, offsetOf, statement } from './bpf.ts';
import type { BpfInstruction } from './bpf.ts';
import type { SeccompArgument } from './profile.ts';

type Code = readonly BpfInstruction[];
/** Where a comparison goes: to the next word of the same condition, to the next condition, or to what follows the rule. */
type Target = 'next' | 'pass' | 'fail';
interface Comparison {
  readonly offset: number;
  readonly mask: number;
  readonly code: number;
  readonly k: number;
  readonly yes: Target;
  readonly no: Target;
}

/** `then` when all conditions hold, else `otherwise`; grows by a constant for each condition. Both must end in a return. */
export function compileArguments(
  conditions: readonly SeccompArgument[],
  then: Code,
  otherwise: Code,
): BpfInstruction[] {
  const matched = conditions.reduceRight<BpfInstruction[]>(
    (code, condition) => [...compileCondition(comparisons(condition), code.length), ...code],
    [...then],
  );
  return [...matched, ...otherwise];
}

/** Arguments are 64 bits wide and BPF's words 32, so a condition looks at the high word first. */
function comparisons({ index, op, value, valueTwo }: SeccompArgument): Comparison[] {
  const words = (mask: bigint, datum: bigint): [Word, Word] => [
    { offset: offsetOf.argumentHigh(index), mask: high(mask), k: high(datum) },
    { offset: offsetOf.argumentLow(index), mask: low(mask), k: low(datum) },
  ];
  const equal = (mask: bigint, datum: bigint, yes: Target, no: Target): Comparison[] => {
    const [upper, lower] = words(mask, datum);
    return [
      { ...upper, code: Bpf.jumpEqual, yes: 'next', no },
      { ...lower, code: Bpf.jumpEqual, yes, no },
    ];
  };
  const ordered = (code: number, yes: Target, no: Target): Comparison[] => {
    const [upper, lower] = words(~0n, value);
    return [
      { ...upper, code: Bpf.jumpGreater, yes, no: 'next' },
      { ...upper, code: Bpf.jumpEqual, yes: 'next', no },
      { ...lower, code, yes, no },
    ];
  };
  switch (op) {
    case 'SCMP_CMP_EQ':
      return equal(~0n, value, 'pass', 'fail');
    case 'SCMP_CMP_NE':
      return equal(~0n, value, 'fail', 'pass');
    case 'SCMP_CMP_MASKED_EQ':
      return equal(value, valueTwo, 'pass', 'fail');
    case 'SCMP_CMP_GE':
      return ordered(Bpf.jumpGreaterOrEqual, 'pass', 'fail');
    case 'SCMP_CMP_GT':
      return ordered(Bpf.jumpGreater, 'pass', 'fail');
    case 'SCMP_CMP_LT':
      return ordered(Bpf.jumpGreaterOrEqual, 'fail', 'pass');
    case 'SCMP_CMP_LE':
      return ordered(Bpf.jumpGreater, 'fail', 'pass');
    default:
      throw new TypeError(`no such operator: ${op}`);
  }
}

interface Word {
  readonly offset: number;
  readonly mask: number;
  readonly k: number;
}

function compileCondition(steps: readonly Comparison[], failDistance: number): BpfInstruction[] {
  return steps.reduceRight<BpfInstruction[]>((following, step) => {
    const distance: Record<Target, number> = {
      next: 0,
      pass: following.length,
      fail: following.length + failDistance,
    };
    return [
      statement(Bpf.load, step.offset),
      statement(Bpf.and, step.mask),
      branch(step.code, step.k, 0, 1),
      statement(Bpf.jump, distance[step.yes] + 1),
      statement(Bpf.jump, distance[step.no]),
      ...following,
    ];
  }, []);
}

const low = (value: bigint): number => Number(value & 0xffff_ffffn);
const high = (value: bigint): number => Number((value >> 32n) & 0xffff_ffffn);
