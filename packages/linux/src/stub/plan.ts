import type { LaunchPlan, PlanDescriptor, SystemCall } from '@boxkit/contracts';
import { dieWithParent } from './calls/command.ts';
import { programDescriptor, reportDescriptor } from './layout.ts';

/** The descriptor of the stub itself, and how to execute it whatever the root is, as long as there is a /proc. */
const stubDescriptor = 5;
export const stubPath = `/proc/self/fd/${stubDescriptor}`;
/** The environment of host programs: nothing of the caller's. */
export const hostEnvironment: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
};

type StubPlan = Pick<LaunchPlan, 'argv' | 'env' | 'descriptors' | 'report'>;

/** The parts of a plan in which the stub alone carries out the list. */
export function planOfCalls(calls: readonly SystemCall[]): StubPlan {
  return {
    argv: [stubPath],
    env: {},
    report: 'stub',
    descriptors: [
      { fd: programDescriptor, purpose: 'what the stub does', kind: 'system-calls', calls },
      reportPipe,
      stubFile,
    ],
  };
}

/** A host program that starts the stub (`stubPath`) again, inside what it makes, and what comes before it. */
export interface HostProgram {
  readonly before?: readonly SystemCall[];
  readonly argv: readonly [string, ...string[]];
}

/**
 * The parts of a plan in which the stub becomes one host program after the other, each of which starts the stub again
 * inside what it has made, and at last carries out the list `inside`. The first program ends with the launcher.
 */
export function planAround(programs: readonly HostProgram[], inside: readonly SystemCall[]): StubPlan {
  const lists = [...programs.map(becomeProgram), inside];
  const [first = inside, ...others] = lists;
  const parts = planOfCalls(first);
  const waiting = others.map((calls, at): PlanDescriptor => ({
    fd: firstWaiting + at,
    purpose: at + 1 < others.length ? 'what the stub does next' : 'what the stub does inside',
    kind: 'system-calls',
    calls,
  }));
  return { ...parts, descriptors: [...parts.descriptors, ...waiting] };
}

/** Where the lists wait that follow the first. */
const firstWaiting = 6;

function becomeProgram({ before = [], argv }: HostProgram, at: number): readonly SystemCall[] {
  const waiting = firstWaiting + at;
  const envp = Object.entries(hostEnvironment).map(([key, value]) => `${key}=${value}`);
  return [
    dieWithParent(),
    ...before,
    { name: 'dup3', args: [waiting, programDescriptor, 0], why: 'what the stub does next' },
    { name: 'close', args: [waiting], why: 'not needed any more' },
    { name: 'execve', args: [argv[0], [...argv], envp], why: `the host program ${argv[0]} makes namespaces` },
  ];
}

const reportPipe: PlanDescriptor = { fd: reportDescriptor, purpose: 'what became of it', kind: 'report' };
const stubFile: PlanDescriptor = { fd: stubDescriptor, purpose: 'the exec stub', kind: 'stub' };
