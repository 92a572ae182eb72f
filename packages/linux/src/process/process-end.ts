import { bind, lastErrno } from '../libc.ts';

/** How a process ended: by itself, or by a signal, given by its number. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: number | null;
}

const waitpid = bind('int waitpid(int pid, _Out_ int *status, int options)');
const WNOHANG = 1;

/** Those that have not been waited for yet. */
const children = new Map<number, (end: ProcessEnd) => void>();
/** Milliseconds; the longest that a timer can be set to. */
const never = 2 ** 31 - 1;
let keepAlive: NodeJS.Timeout | undefined;

/**
 * Waits for a child that `spawnProcess` has started, once, and keeps this process going until then. For the main thread
 * alone: no other learns of SIGCHLD.
 */
export function processEnd(pid: number): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    if (children.size === 0) watch();
    children.set(pid, resolve);
    // it may have ended before anybody listened
    reap(pid);
  });
}

function watch(): void {
  process.on('SIGCHLD', reapAll);
  keepAlive = setTimeout(() => {}, never);
}

function unwatch(): void {
  process.off('SIGCHLD', reapAll);
  clearTimeout(keepAlive);
}

/** One signal may stand for the end of several. Not any child is waited for: others are Node's own. */
function reapAll(): void {
  for (const pid of [...children.keys()]) reap(pid);
}

function reap(pid: number): void {
  const status = [0];
  const found = waitpid(pid, status, WNOHANG);
  if (found === 0 || (found === -1 && lastErrno() === 'EINTR')) return;
  const resolve = children.get(pid);
  children.delete(pid);
  if (children.size === 0) unwatch();
  // somebody else has waited for it, and knows how it ended
  resolve?.(found === -1 ? { code: null, signal: null } : parseStatus(status[0] ?? 0));
}

/** wait(2): the signal in the low seven bits, else the exit status above them. */
function parseStatus(status: number): ProcessEnd {
  const signal = status & 0x7f;
  return signal === 0 ? { code: (status >> 8) & 0xff, signal: null } : { code: null, signal };
}
