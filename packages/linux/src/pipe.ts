import { bind, check } from './libc.ts';

const pipe2 = bind('int pipe2(void *ends, int flags)') as (ends: Int32Array, flags: number) => number;
const fcntl = bind('int fcntl(int fd, int command, int argument)') as (
  fd: number,
  command: number,
  argument: number,
) => number;

const closeOnExec = 0o2000000;
const setPipeSize = 1031;

/**
 * A pipe whose ends block and close on exec: for a thread that reads what a process writes. `size` bytes are asked for;
 * the kernel may give less. The caller closes both ends. Throws SystemCallError (EMFILE, ENFILE).
 */
export function makePipe(size: number): { readonly read: number; readonly write: number } {
  const ends = new Int32Array(2);
  check(pipe2(ends, closeOnExec), 'pipe2');
  const [read = -1, write = -1] = ends;
  fcntl(write, setPipeSize, size);
  return { read, write };
}

const socketpair = bind('int socketpair(int domain, int type, int protocol, void *ends)') as (
  domain: number,
  type: number,
  protocol: number,
  ends: Int32Array,
) => number;
const [AF_UNIX, SOCK_STREAM] = [1, 1];

/** Two connected sockets that close on exec. The caller closes both. Throws SystemCallError (EMFILE, ENFILE). */
export function makeSocketPair(): readonly [number, number] {
  const ends = new Int32Array(2);
  check(socketpair(AF_UNIX, SOCK_STREAM | closeOnExec, 0, ends), 'socketpair');
  const [one = -1, other = -1] = ends;
  return [one, other];
}
