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
