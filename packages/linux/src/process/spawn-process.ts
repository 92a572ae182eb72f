import { constants } from 'node:fs';
import { bind, errnoName, SystemCallError } from '../libc.ts';

/** A program to start, with nothing left to look up. */
export interface SpawnRequest {
  /** Absolute, or from `cwd` on. */
  readonly file: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** What it has as 0, 1, 2 and so on: descriptors of this process, which stay the caller's. */
  readonly descriptors: readonly number[];
}

const initAttributes = bind('int posix_spawnattr_init(void *attributes)');
const setFlags = bind('int posix_spawnattr_setflags(void *attributes, short flags)');
const setDefaultSignals = bind('int posix_spawnattr_setsigdefault(void *attributes, const void *signals)');
const setSignalMask = bind('int posix_spawnattr_setsigmask(void *attributes, const void *signals)');
const initActions = bind('int posix_spawn_file_actions_init(void *actions)');
const addDup2 = bind('int posix_spawn_file_actions_adddup2(void *actions, int fd, int target)');
const addClose = bind('int posix_spawn_file_actions_addclose(void *actions, int fd)');
const addChdir = bind('int posix_spawn_file_actions_addchdir_np(void *actions, const char *path)');
const destroyActions = bind('int posix_spawn_file_actions_destroy(void *actions)');
const posixSpawn = bind(
  'int posix_spawn(_Out_ int *pid, const char *file, void *actions, void *attributes, const char **argv, const char **env)',
);
const fcntl = bind('int fcntl(int fd, int command, int argument)');

/** Bytes: more than glibc (336, 80, 128) and musl (336, 80, 128) use. */
const attributesSize = 512;
const actionsSize = 256;
const signalsSize = 128;

const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
const POSIX_SPAWN_SETSID = 0x80;
const [F_GETFL, F_SETFL] = [3, 4];

/**
 * Starts a program in a session of its own, with every signal as it is by default; returns its pid, which the caller
 * waits for with `processEnd`. node:child_process forks: it copies the page tables of a whole Node, 2 to 10 ms in which
 * nothing else happens, and as many page faults later. posix_spawn(3) shares the memory until the program is executed.
 * Throws SystemCallError with the errno of the execve that failed, or EMFILE, EAGAIN, ENOMEM.
 */
export function spawnProcess({ file, argv, env, cwd, descriptors }: SpawnRequest): number {
  descriptors.slice(0, 3).forEach(makeBlocking);
  const attributes = Buffer.alloc(attributesSize);
  const flags = POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
  succeeded('posix_spawnattr_init', initAttributes(attributes));
  succeeded('posix_spawnattr_setflags', setFlags(attributes, flags));
  succeeded('posix_spawnattr_setsigdefault', setDefaultSignals(attributes, Buffer.alloc(signalsSize, 0xff)));
  succeeded('posix_spawnattr_setsigmask', setSignalMask(attributes, Buffer.alloc(signalsSize)));
  const actions = Buffer.alloc(actionsSize);
  succeeded('posix_spawn_file_actions_init', initActions(actions));
  try {
    placeDescriptors(actions, descriptors);
    succeeded('posix_spawn_file_actions_addchdir_np', addChdir(actions, cwd), cwd);
    const envp = Object.entries(env).map(([key, value]) => `${key}=${value}`);
    const pid = [0];
    succeeded('posix_spawn', posixSpawn(pid, file, actions, attributes, [...argv, null], [...envp, null]), file);
    return pid[0] ?? -1;
  } finally {
    destroyActions(actions);
  }
}

/** In the child: those whose number is about to be another's move out of the way first. */
function placeDescriptors(actions: Buffer, descriptors: readonly number[]): void {
  const above = Math.max(descriptors.length, ...descriptors) + 1;
  const sources = descriptors.map((fd, at) => {
    if (fd === at || fd >= descriptors.length) return fd;
    duplicate(actions, fd, above + at);
    return above + at;
  });
  sources.forEach((fd, at) => duplicate(actions, fd, at));
  for (const fd of sources) {
    if (fd >= above) succeeded('posix_spawn_file_actions_addclose', addClose(actions, fd));
  }
}

function duplicate(actions: Buffer, fd: number, target: number): void {
  succeeded('posix_spawn_file_actions_adddup2', addDup2(actions, fd, target));
}

/**
 * These functions return the errno. One that is ignored would leave a descriptor out: a number that the limit of open
 * files does not allow (EBADF), or no memory to note it in.
 */
function succeeded(name: string, errno: number, of?: string): void {
  if (errno !== 0) throw new SystemCallError(name, errnoName(errno), of);
}

/** Node may have made our own standard streams non-blocking, which few programs expect of theirs. */
function makeBlocking(fd: number): void {
  const flags = fcntl(fd, F_GETFL, 0);
  if (flags !== -1 && (flags & constants.O_NONBLOCK) !== 0) fcntl(fd, F_SETFL, flags & ~constants.O_NONBLOCK);
}
