import { dispositionOf, endsByDefault, isNamespaceInit, signalNumber } from '../process-table.ts';

/**
 * Sends a signal to a container's first process from outside of its launcher; false when it has ended. The kernel
 * drops signals for the first process of a PID namespace that has no handler for them: one that would end a process
 * is replaced by SIGKILL, as the launcher does. `onReplaced` is then told which was meant, before it is sent.
 */
export function signalFirstProcess(
  pid: number,
  signal: NodeJS.Signals | number,
  onReplaced?: (meant: number) => void,
): boolean {
  const number = signalNumber(signal);
  const replaced = isNamespaceInit(pid) && endsByDefault(number) && dispositionOf(pid, number) === 'default';
  if (replaced && number !== 9) onReplaced?.(number);
  try {
    return process.kill(pid, replaced ? 9 : number);
  } catch {
    return false;
  }
}
