import { setTimeout as sleep } from 'node:timers/promises';
import { dispositionOf, endsByDefault, isNamespaceInit, isPending, programOf, signalNumber } from './process-table.ts';

/** How long a signal that the process has not taken yet is followed, in milliseconds: an execve on a busy machine. */
const followed = 1000;

/** How long of this without a pause, in milliseconds: a handler that executes a program is not to be mistaken. */
const closely = 5;

/**
 * Sends a signal to a container's first process; false when it has ended. The kernel drops signals for the first
 * process of a PID namespace that has no handler for them: one that would end a process is replaced by SIGKILL, and
 * `onReplaced` is told which was meant before it is sent. The kernel looks for the handler when the process takes the
 * signal, which may be after an execve that has taken the handler away; so a signal is followed until it is taken.
 */
export async function signalFirstProcess(
  pid: number,
  signal: NodeJS.Signals | number,
  onReplaced?: (meant: number) => void,
): Promise<boolean> {
  const number = signalNumber(signal);
  if (number === 9 || !endsByDefault(number) || !isNamespaceInit(pid)) return send(pid, number);
  const end = (): boolean => {
    onReplaced?.(number);
    return send(pid, 9);
  };
  // in this order: a program that comes after the look at the disposition is seen to be another
  const program = programOf(pid);
  const disposition = dispositionOf(pid, number);
  if (disposition === 'default') return end();
  if (!send(pid, number)) return false;
  if (disposition === 'ignored') return true;
  await taken(pid, number);
  const dropped = (disposition === 'blocked' || programOf(pid) !== program) && dispositionOf(pid, number) === 'default';
  return dropped ? end() : true;
}

/** Waits until a process has taken a signal from its queue, but not forever: a frozen one takes none. */
async function taken(pid: number, signal: number): Promise<void> {
  const start = performance.now();
  for (let waited = 0; isPending(pid, signal) && waited < followed; waited = performance.now() - start) {
    if (waited > closely) await sleep(closely);
  }
}

function send(pid: number, signal: number): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    // ended meanwhile
    return false;
  }
}
