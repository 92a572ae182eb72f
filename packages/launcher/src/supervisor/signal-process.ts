import { dispositionOf, endsByDefault, isNamespaceInit, signalNumber } from '../process-table.ts';

/**
 * Sends a signal to a container's first process from outside of its launcher; false when it has ended. The kernel
 * drops signals for the first process of a PID namespace that has no handler for them: one that would end a process
 * is replaced by SIGKILL, as the launcher does.
 */
export function signalFirstProcess(pid: number, signal: NodeJS.Signals | number): boolean {
  const number = signalNumber(signal);
  const replaced = isNamespaceInit(pid) && endsByDefault(number) && dispositionOf(pid, number) === 'default';
  try {
    return process.kill(pid, replaced ? 9 : number);
  } catch {
    return false;
  }
}
