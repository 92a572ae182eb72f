import type { SystemCall, UserModeNetwork } from '@boxkit/contracts';
import { dieWithParent } from '../stub/calls/command.ts';
import { CLONE_NEWPID, CLONE_NEWUSER, NS_GET_USERNS, SIGCHLD } from '../stub/constants.ts';
import { programDescriptor } from '../stub/layout.ts';
import { hostEnvironment } from '../stub/plan.ts';
import { awaitLauncher } from '../stub/report.ts';
import { networkArguments, readiness } from './arguments.ts';

/**
 * What the stub does to keep a network's tool, given the network namespace as descriptor 0, and a pipe for the tool's
 * readiness as 1. The tool lives in a PID namespace whose first process ends with the launcher:
 * whatever is killed, the kernel ends the tool. It would outlive its container otherwise, since it is in the network
 * namespace itself, and a signal on the launcher's death is lost when it changes its credentials.
 */
export function networkGuardianCalls(network: UserModeNetwork, control?: string): readonly SystemCall[] {
  const argv = networkArguments(network, control);
  const envp = Object.entries(hostEnvironment).map(([key, value]) => `${key}=${value}`);
  return [
    { name: 'ioctl', args: [0, NS_GET_USERNS, 0], why: 'who owns the network namespace', label: 'owner' },
    {
      name: 'setns',
      args: [{ result: 'owner' }, CLONE_NEWUSER],
      why: 'root there may enter it; EINVAL: it is the own one',
      ignore: ['EINVAL'],
    },
    dieWithParent(),
    { name: 'unshare', args: [CLONE_NEWPID], why: 'nothing outlives the guardian' },
    { name: 'clone', args: [SIGCHLD, 0, 0, 0, 0], why: 'the guardian', label: 'guardian', next: { zero: 'guard' } },
    ...waitFor('guardian'),
    { ...dieWithParent(), label: 'guard' },
    ...awaitLauncher(),
    { name: 'clone', args: [SIGCHLD, 0, 0, 0, 0], why: 'the tool', label: 'tool', next: { zero: 'become the tool' } },
    ...waitFor('tool'),
    { name: 'close', args: [programDescriptor], why: 'the program has been read', label: 'become the tool' },
    ...(readiness[network.tool] === 1 ? [] : moveReadiness(readiness[network.tool])),
    {
      name: 'close_range',
      args: [Math.max(2, readiness[network.tool]) + 1, 0xffff_ffff, 0],
      why: 'nothing else is inherited',
    },
    { name: 'execve', args: [argv[0], [...argv], envp], why: 'the tool' },
  ];
}

/** Leaves the readiness to the child, and ends after it. */
function waitFor(label: string): readonly SystemCall[] {
  return [
    { name: 'close', args: [1], why: "only the tool's end means anything" },
    {
      name: 'wait4',
      args: [{ result: label }, null, 0, null],
      why: 'until it ends',
      ignore: ['EINTR'],
      label: `wait for ${label}`,
      next: { error: `wait for ${label}` },
    },
    { name: 'exit_group', args: [0], why: 'it has ended' },
  ];
}

/** Standard output becomes standard error, for what the tool has to say. */
function moveReadiness(descriptor: number): readonly SystemCall[] {
  return [
    { name: 'dup3', args: [1, descriptor, 0], why: 'where the tool tells its readiness' },
    { name: 'dup3', args: [2, 1, 0], why: 'what it prints is for people' },
  ];
}
