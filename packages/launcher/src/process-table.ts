import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
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
  if (inMask(status, 'SigCgt', signal)) return 'caught';
  if (inMask(status, 'SigIgn', signal)) return 'ignored';
  return inMask(status, 'SigBlk', signal) || waitsFor(pid, signal) ? 'blocked' : 'default';
}

const rtSigtimedwait: Readonly<Record<string, string>> = { x64: '128', arm64: '137' };

/**
 * Whether a process is in sigwait(3) for a signal, as small inits are. The kernel shows it as not blocked then, but
 * queues it all the same. The call's first argument is where the set of signals is. proc_pid_syscall(5)
 */
function waitsFor(pid: number, signal: number): boolean {
  const [call, address] = (read(`/proc/${pid}/syscall`) ?? '').split(' ');
  if (address === undefined || call !== rtSigtimedwait[process.arch]) return false;
  try {
    const memory = openSync(`/proc/${pid}/mem`, 'r');
    try {
      const set = Buffer.alloc(8);
      readSync(memory, set, { position: BigInt(address) });
      return inSet(set.readBigUInt64LE(), signal);
    } finally {
      closeSync(memory);
    }
  } catch {
    // the process has ended, or is not to be looked into
    return false;
  }
}

/** Whether a signal was sent to a process that has not taken it yet. */
export function isPending(pid: number, signal: number): boolean {
  const status = read(`/proc/${pid}/status`) ?? '';
  return inMask(status, 'SigPnd', signal) || inMask(status, 'ShdPnd', signal);
}

/**
 * What changes when a process executes a program, even the same one again: where the kernel has put its code and its
 * stack. proc_pid_stat(5), fields 26 and 28; all alike where the process may not be looked at.
 */
export function programOf(pid: number): string {
  const stat = read(`/proc/${pid}/stat`) ?? '';
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return `${fields[23]} ${fields[25]}`;
}

function inMask(status: string, field: string, signal: number): boolean {
  const mask = new RegExp(`^${field}:\\s*([0-9a-f]+)`, 'm').exec(status)?.[1] ?? '0';
  return inSet(BigInt(`0x${mask}`), signal);
}

function inSet(set: bigint, signal: number): boolean {
  return ((set >> BigInt(signal - 1)) & 1n) === 1n;
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
