import type { LaunchPlan, PlanDescriptor, SystemCall } from '@boxkit/contracts';
import { dieWithParent } from './calls/command.ts';
import { programDescriptor, reportDescriptor } from './layout.ts';

/** The descriptor of the stub itself, and how to execute it whatever the root is, as long as there is a /proc. */
const stubDescriptor = 5;
export const stubPath = `/proc/self/fd/${stubDescriptor}`;
/** Where the program of a stub waits that a host program starts. */
const innerDescriptor = 6;

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

/**
 * The parts of a plan in which the stub, after `before`, becomes the host program `argv`, which in turn starts the stub
 * (`stubPath`) with the list `inside`. The host program ends with the launcher.
 */
export function planAround(
  argv: readonly [string, ...string[]],
  calls: { readonly before?: readonly SystemCall[]; readonly inside: readonly SystemCall[] },
): StubPlan {
  const envp = Object.entries(hostEnvironment).map(([key, value]) => `${key}=${value}`);
  const before: readonly SystemCall[] = [
    ...(calls.before ?? []),
    dieWithParent(),
    { name: 'dup3', args: [innerDescriptor, programDescriptor, 0], why: 'what the stub does inside' },
    { name: 'close', args: [innerDescriptor], why: 'not needed any more' },
    { name: 'execve', args: [argv[0], [...argv], envp], why: 'the host program that makes the namespaces' },
  ];
  const parts = planOfCalls(before);
  const inner: PlanDescriptor = {
    fd: innerDescriptor,
    purpose: 'what the stub does inside',
    kind: 'system-calls',
    calls: calls.inside,
  };
  return { ...parts, descriptors: [...parts.descriptors, inner] };
}

const reportPipe: PlanDescriptor = { fd: reportDescriptor, purpose: 'what became of it', kind: 'report' };
const stubFile: PlanDescriptor = { fd: stubDescriptor, purpose: 'the exec stub', kind: 'stub' };
