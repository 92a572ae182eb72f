import { readFileSync } from 'node:fs';
import { constants } from 'node:os';

/** The children of a process, as the kernel lists them; none when it has ended. */
export function childrenOf(pid: number): readonly number[] {
  return (read(`/proc/${pid}/task/${pid}/children`) ?? '')
    .split(' ')
    .filter((text) => text !== '')
    .map(Number);
}

/** How a process treats a signal. */
export type Disposition = 'default' | 'caught' | 'ignored' | 'blocked' | 'gone';

/** Reads it from /proc/<pid>/status. */
export function dispositionOf(pid: number, signal: number): Disposition {
  const status = read(`/proc/${pid}/status`);
  if (status === undefined) return 'gone';
  const has = (field: string): boolean => {
    const mask = new RegExp(`^${field}:\\s*([0-9a-f]+)`, 'm').exec(status)?.[1] ?? '0';
    return ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
  };
  if (has('SigCgt')) return 'caught';
  if (has('SigIgn')) return 'ignored';
  return has('SigBlk') ? 'blocked' : 'default';
}

/** Whether a process is the first of a PID namespace below ours. */
export function isNamespaceInit(pid: number): boolean {
  const ids = /^NSpid:\s*(.+)$/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1]?.split(/\s+/) ?? [];
  return ids.length > 1 && ids.at(-1) === '1';
}

const harmless = new Set(['SIGCHLD', 'SIGCONT', 'SIGURG', 'SIGWINCH', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU']);

/** Whether a signal ends a process that has no handler for it. signal(7). */
export function endsByDefault(signal: number): boolean {
  return !harmless.has(signalName(signal) ?? '');
}

/** The number of a signal given by name or number. */
export function signalNumber(signal: NodeJS.Signals | number): number {
  return typeof signal === 'number' ? signal : constants.signals[signal];
}

/** The name of a signal; undefined for a real-time one. */
export function signalName(number: number): NodeJS.Signals | undefined {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return found?.[0] as NodeJS.Signals | undefined;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // the process has ended
    return undefined;
  }
}
