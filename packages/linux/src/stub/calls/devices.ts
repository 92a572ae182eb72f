import type { SystemCall } from '@boxkit/contracts';
import {
  AT_FDCWD,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_STRICTATIME,
  OPEN_TREE_CLONE,
} from '../constants.ts';
import { enterPlainDirectory, makeFile } from './paths.ts';

const nodes = ['null', 'zero', 'full', 'random', 'urandom', 'tty'] as const;

const links = [
  ['/dev/ptmx', 'pts/ptmx'],
  ['/dev/fd', '/proc/self/fd'],
  ['/dev/stdin', '/proc/self/fd/0'],
  ['/dev/stdout', '/proc/self/fd/1'],
  ['/dev/stderr', '/proc/self/fd/2'],
] as const;

export interface DeviceOptions {
  /** Whether descriptor 0 is a terminal that becomes /dev/console. */
  readonly terminal: boolean;
  /** Bytes of /dev/shm; docker's 64 MiB when undefined. */
  readonly shmSize?: number;
  /** Whether group 5, tty, is mapped, as devpts wants it. */
  readonly ttyGroup: boolean;
}

/** Takes hold of what must come from the host; made before the host's root is out of reach. */
export function borrowDevices({ terminal }: DeviceOptions): readonly SystemCall[] {
  const calls = nodes.map((name) => openTree(`/dev/${name}`, `host /dev/${name}`));
  if (terminal) calls.push(...borrowTerminal());
  return calls;
}

/** By its name, since the open file belongs to the mount namespace that the launcher is in. */
function borrowTerminal(): readonly SystemCall[] {
  const name = { buffer: 'name of the terminal', size: 256 };
  const why = 'the terminal, while it is in reach';
  return [
    { name: 'readlinkat', args: [AT_FDCWD, '/proc/self/fd/0', name, 255], why },
    { name: 'open_tree', args: [AT_FDCWD, name, OPEN_TREE_CLONE], why, label: 'host /dev/console' },
  ];
}

/**
 * A /dev of the container's own, with the standard nodes only. They are the host's, each a mount of its own, on a file
 * system where no other node means anything: neither a user namespace nor a disk's number made by mknod can do harm.
 */
export function makeDevices(options: DeviceOptions): readonly SystemCall[] {
  const calls: SystemCall[] = [
    ...enterPlainDirectory('/dev'),
    mountHere(
      'tmpfs',
      MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_STRICTATIME,
      'mode=755,size=65536k',
      "a /dev of the container's own",
    ),
    { name: 'chdir', args: ['/'], why: 'up to the new /dev' },
  ];
  for (const name of nodes) {
    const path = `/dev/${name}`;
    calls.push(makeFile(path, `a place for ${path}`), place(`host ${path}`, path));
  }
  calls.push(...makePseudoTerminals(options), ...makeSharedMemory(options));
  for (const [path, target] of links) {
    calls.push({ name: 'symlinkat', args: [target, AT_FDCWD, path], why: 'what programs expect in /dev' });
  }
  if (options.terminal) {
    calls.push(makeFile('/dev/console', 'a place for /dev/console'), place('host /dev/console', '/dev/console'));
  }
  return calls;
}

function makePseudoTerminals({ ttyGroup }: DeviceOptions): readonly SystemCall[] {
  const group = ttyGroup ? ',gid=5' : '';
  return [
    { name: 'mkdirat', args: [AT_FDCWD, '/dev/pts', 0o755], why: 'a place for pseudo-terminals' },
    {
      name: 'mount',
      args: ['devpts', '/dev/pts', 'devpts', MS_NOSUID | MS_NOEXEC, `newinstance,ptmxmode=0666,mode=0620${group}`],
      why: "pseudo-terminals of the container's own",
    },
  ];
}

/** /dev/shm and /dev/mqueue. */
export function makeSharedMemory({ shmSize }: Pick<DeviceOptions, 'shmSize'>): readonly SystemCall[] {
  const safe = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  return [
    { name: 'mkdirat', args: [AT_FDCWD, '/dev/shm', 0o755], why: 'a place for shared memory', ignore: ['EEXIST'] },
    {
      name: 'mount',
      args: ['shm', '/dev/shm', 'tmpfs', safe, `mode=1777,size=${shmSize ?? 64 * 1024 * 1024}`],
      why: "shared memory of the container's own",
    },
    { name: 'mkdirat', args: [AT_FDCWD, '/dev/mqueue', 0o755], why: 'a place for message queues' },
    {
      name: 'mount',
      args: ['mqueue', '/dev/mqueue', 'mqueue', safe, null],
      why: 'message queues of this IPC namespace',
      ignore: ['EPERM', 'ENODEV'],
    },
  ];
}

function openTree(path: string, label: string): SystemCall {
  return { name: 'open_tree', args: [AT_FDCWD, path, OPEN_TREE_CLONE], why: `${path}, while it is in reach`, label };
}

function place(label: string, path: string): SystemCall {
  return {
    name: 'move_mount',
    args: [{ result: label }, '', AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH],
    why: `the host's device at ${path}`,
  };
}

/** Mounts a new file system on the current directory. */
export function mountHere(type: string, flags: number, options: string | null, why: string): SystemCall {
  return { name: 'mount', args: [type, '.', type, flags, options], why };
}
