import { join } from 'node:path';
import type { Bundle, SystemCall } from '@boxkit/contracts';
import { commandCalls, inFirstProcess } from '@boxkit/linux';
import type { EnteredNamespace } from './entered-namespaces.ts';

export interface ExecTarget {
  /** The container's first process, as the host numbers it. */
  readonly pid: number;
  /** The namespaces to enter. */
  readonly namespaces: readonly EnteredNamespace[];
  /** Whether its mounts belong to another user namespace than the caller's, which is then entered first. */
  readonly userNamespace: boolean;
  /** Only one id is mapped there. */
  readonly singleId: boolean;
  /** Its root is not that of its mount namespace. */
  readonly changedRoot: boolean;
  /** The container's cgroups. */
  readonly cgroups: readonly string[];
}

const AT_FDCWD = -100;
const O_WRONLY = 1;
const O_DIRECTORY = 0o200_000;
const O_PATH = 0o10_000_000;
const O_CLOEXEC = 0o2_000_000;
const CLONE_NEWUSER = 0x1000_0000;
/** ioctl_ns(2): a descriptor of the user namespace that a namespace belongs to. */
const NS_GET_USERNS = 0xb701;

/**
 * All that happens between this process and a further command in a container, as the stub's list: into its cgroups
 * and namespaces, and then what happens to the container's own command too. Everything of the host is opened before
 * the first namespace is entered, through /proc/<pid>, where no path of the container is looked up.
 */
export function execCalls(bundle: Bundle, target: ExecTarget): readonly SystemCall[] {
  const { pid, namespaces, singleId } = target;
  return [
    ...target.cgroups.flatMap(enterCgroup),
    ...namespaces.map(({ kind }) => open(`/proc/${pid}/ns/${kind}`, 0, `the container's ${kind} namespace`, kind)),
    ...(target.changedRoot ? [open(`/proc/${pid}/root`, O_PATH | O_DIRECTORY, "the container's root", 'root')] : []),
    ...(target.userNamespace ? enterUserNamespace() : []),
    ...namespaces.map(({ kind, flag }): SystemCall => ({
      name: 'setns',
      args: [{ result: kind }, flag],
      why: `enter the container's ${kind} namespace`,
    })),
    ...(target.changedRoot ? changeRoot() : []),
    ...inFirstProcess(commandCalls(bundle, singleId)),
  ];
}

function open(path: string, flags: number, why: string, label: string): SystemCall {
  return { name: 'openat', args: [AT_FDCWD, path, flags | O_CLOEXEC, 0], why, label };
}

/** That of its mounts: the command itself may be in one of its own below, where the mounts could not be entered. */
function enterUserNamespace(): readonly SystemCall[] {
  return [
    {
      name: 'ioctl',
      args: [{ result: 'mnt' }, NS_GET_USERNS, 0],
      why: 'the user namespace that the mounts belong to',
      label: 'user',
    },
    { name: 'setns', args: [{ result: 'user' }, CLONE_NEWUSER], why: "become root of the container's user namespace" },
    ...['setresgid', 'setresuid'].map((name): SystemCall => ({
      name,
      args: [0, 0, 0],
      why: 'root inside, not an id that is not mapped',
    })),
  ];
}

function changeRoot(): readonly SystemCall[] {
  return [
    { name: 'fchdir', args: [{ result: 'root' }], why: "into the container's root" },
    { name: 'chroot', args: ['.'], why: 'which becomes the root' },
  ];
}

function enterCgroup(directory: string): readonly SystemCall[] {
  const bytes = Buffer.from('0');
  const why = "the container's limits";
  return [
    open(join(directory, 'cgroup.procs'), O_WRONLY, why, 'cgroup'),
    { name: 'write', args: [{ result: 'cgroup' }, { bytes }, bytes.length], why },
    { name: 'close', args: [{ result: 'cgroup' }], why: 'entered' },
  ];
}
