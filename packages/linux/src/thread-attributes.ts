import { bind } from './libc.ts';

const unshare = bind('int unshare(int flags)') as (flags: number) => number;
const umask = bind('int umask(unsigned int mask)') as (mask: number) => number;

const cloneFs = 0x200;

/**
 * Gives the calling thread an umask (and working directory) of its own and sets the umask to 0, so that files get
 * exactly the mode they are created with. False when the system refuses; the umask is then the process's, untouched.
 * Only for worker threads: on the main thread it would part the libuv pool's umask from the program's.
 */
export function clearThreadUmask(): boolean {
  if (unshare(cloneFs) !== 0) return false;
  umask(0);
  return true;
}
