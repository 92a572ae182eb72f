import { BoxError } from '@boxkit/contracts';
import { Bpf, choose, encodeBpf, maximumInstructions, offsetOf, seccompReturn, statement } from './bpf.ts';
import type { BpfInstruction } from './bpf.ts';
import { compileArguments } from './compile-arguments.ts';
import { inScope } from './scope.ts';
import type { SeccompCircumstances } from './scope.ts';
import type { SeccompProfile, SeccompRule } from './profile.ts';
import { auditArchitecture, systemCallNumbers } from './system-call-table.ts';
import type { SeccompArchitecture } from './system-call-table.ts';

const EPERM = 1;
/** x32 calls arrive under x86_64's architecture with this bit set; no box image needs them. */
const x32Bit = 0x4000_0000;
/** i386 programs run on an x86_64 kernel, and images for linux/386 consist of them. */
const alsoRuns: Partial<Record<SeccompArchitecture, readonly SeccompArchitecture[]>> = { x86_64: ['x86'] };

/**
 * Compiles a profile to a classic-BPF program, as bytes. A rule with conditions goes before one without; among those
 * with conditions the first that holds wins; a system call that no rule names, and one of an architecture that the
 * machine does not have, gets the default action. Names unknown on an architecture are passed over, as docker does.
 */
export function compileSeccomp(profile: SeccompProfile, circumstances: SeccompCircumstances): Uint8Array {
  const native = circumstances.architecture;
  const fallback = [statement(Bpf.return, actionValue(profile.defaultAction, profile.defaultErrnoRet))];
  let program = fallback;
  for (const architecture of [...(alsoRuns[native] ?? []), native]) {
    const body = compileArchitecture(profile, { ...circumstances, architecture }, fallback);
    program = choose(Bpf.jumpEqual, auditArchitecture[architecture], body, program);
  }
  program = [statement(Bpf.load, offsetOf.arch), ...program];
  if (program.length > maximumInstructions) {
    throw new BoxError(
      'ERR_BOX_CONFIG_INVALID',
      `cannot use the seccomp profile: it compiles to ${program.length} instructions, and the kernel takes ${maximumInstructions}`,
      { hint: 'Use fewer conditions on arguments.' },
    );
  }
  return encodeBpf(program);
}

function compileArchitecture(
  profile: SeccompProfile,
  circumstances: SeccompCircumstances,
  fallback: readonly BpfInstruction[],
): BpfInstruction[] {
  const rules = rulesByNumber(profile, circumstances);
  const ranges = toRanges(rules, fallback);
  const tree = search(ranges, 0, ranges.length);
  const guarded =
    circumstances.architecture === 'x86_64' ? choose(Bpf.jumpGreaterOrEqual, x32Bit, fallback, tree) : tree;
  return [statement(Bpf.load, offsetOf.nr), ...guarded];
}

function rulesByNumber(profile: SeccompProfile, circumstances: SeccompCircumstances): Map<number, SeccompRule[]> {
  const numbers = systemCallNumbers(circumstances.architecture);
  const rules = new Map<number, SeccompRule[]>();
  for (const rule of profile.syscalls) {
    if (!inScope(rule, circumstances)) continue;
    for (const name of rule.names) {
      const number = numbers.get(name);
      if (number === undefined) continue;
      const known = rules.get(number);
      if (known) known.push(rule);
      else rules.set(number, [rule]);
    }
  }
  return rules;
}

/** From `first` on (up to the next range's first), every number gets the same body. */
interface Range {
  readonly first: number;
  readonly body: readonly BpfInstruction[];
  /** Equal keys mean equal bodies, so neighbours with one key become one range. */
  readonly key: string;
}

function toRanges(rules: ReadonlyMap<number, readonly SeccompRule[]>, fallback: readonly BpfInstruction[]): Range[] {
  const otherwise = { body: fallback, key: 'default' };
  const ranges: Range[] = [{ first: 0, ...otherwise }];
  const add = (first: number, body: readonly BpfInstruction[], key: string): void => {
    const last = ranges.at(-1);
    if (last?.key === key) return;
    if (last?.first === first) ranges.pop();
    if (ranges.at(-1)?.key !== key) ranges.push({ first, body, key });
  };
  for (const number of [...rules.keys()].toSorted((a, b) => a - b)) {
    const body = ruleBody(rules.get(number) ?? [], fallback);
    add(number, body, body.length === 1 ? `return ${body[0]?.k}` : `call ${number}`);
    add(number + 1, fallback, 'default');
  }
  return ranges;
}

function ruleBody(rules: readonly SeccompRule[], fallback: readonly BpfInstruction[]): BpfInstruction[] {
  const plain = rules.find((rule) => !rule.args?.length);
  let body = plain ? [statement(Bpf.return, actionValue(plain.action, plain.errnoRet))] : [...fallback];
  for (const rule of rules.filter((candidate) => candidate.args?.length).toReversed()) {
    const then = [statement(Bpf.return, actionValue(rule.action, rule.errnoRet))];
    body = compileArguments(rule.args ?? [], then, body);
  }
  return body;
}

/** A balanced binary search for the accumulator (the number) among ranges[from, to). */
function search(ranges: readonly Range[], from: number, to: number): readonly BpfInstruction[] {
  const only = ranges[from];
  if (to - from === 1 || only === undefined) return only?.body ?? [];
  const middle = (from + to) >> 1;
  const upper = search(ranges, middle, to);
  return choose(Bpf.jumpGreaterOrEqual, ranges[middle]?.first ?? 0, upper, search(ranges, from, middle));
}

function actionValue(action: string, errno = EPERM): number {
  switch (action) {
    case 'SCMP_ACT_ALLOW':
      return seccompReturn.allow;
    case 'SCMP_ACT_ERRNO':
      return seccompReturn.errno | (errno & 0xfff);
    case 'SCMP_ACT_KILL':
    case 'SCMP_ACT_KILL_THREAD':
      return seccompReturn.killThread;
    case 'SCMP_ACT_KILL_PROCESS':
      return seccompReturn.killProcess;
    case 'SCMP_ACT_TRAP':
      return seccompReturn.trap;
    case 'SCMP_ACT_TRACE':
      return seccompReturn.trace | (errno & 0xffff);
    case 'SCMP_ACT_LOG':
      return seccompReturn.log;
    default:
      throw new BoxError('ERR_BOX_CONFIG_INVALID', `cannot use the seccomp profile: ${action} is no action`, {
        hint: 'Known are SCMP_ACT_ALLOW, ERRNO, KILL, KILL_THREAD, KILL_PROCESS, TRAP, TRACE and LOG.',
      });
  }
}
