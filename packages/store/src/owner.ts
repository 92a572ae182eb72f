import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { randomHex } from '@boxkit/linux';
import { unless } from './disk-error.ts';

/**
 * A process, named so that nobody can be mistaken for it: `<pid>.<start time>.<pid namespace>.<boot>`. A claim that
 * carries one is void once that process has died. It costs no system call to hold, which a lock would (and 20 ms to
 * load what locks): so the hot path of a run claims with these, and locks are for what must be waited for.
 */
export type Owner = string;

const grammar = /^(\d+)\.(\d+)\.(\d+)\.([0-9a-f]{12})$/;

/** Claims of another pid namespace on this machine cannot be looked up; they are believed for this long after their last change. */
const foreignClaimMs = 24 * 60 * 60 * 1000;

let own: Owner | undefined;
let boot: string | undefined;
let namespace: string | undefined;

/** This process. Its pid is the one that /proc knows it by, which is another when /proc is that of an outer namespace. */
export function thisProcess(): Owner {
  own ??= ownerOf('self') ?? `${process.pid}.0.${pidNamespace()}.${bootId()}`;
  return own;
}

/** The process that has `pid` now; undefined when there is none. */
export function ownerOf(pid: number | 'self'): Owner | undefined {
  const process = processOf(pid);
  return process === undefined ? undefined : `${process.pid}.${process.started}.${pidNamespace()}.${bootId()}`;
}

/** Whether the process that an owner names still runs. `changed` (milliseconds since 1970) dates a claim that cannot be looked up. */
export function isAlive(owner: Owner, changed: number): boolean {
  const match = grammar.exec(owner);
  if (match === null) return false;
  const [, pid, started, space, booted] = match;
  if (booted !== bootId()) return false;
  if (space !== pidNamespace()) return Date.now() - changed < foreignClaimMs;
  return processOf(Number(pid))?.started === started;
}

/** The pid of an owner of this pid namespace that still runs. */
export function pidOf(owner: Owner): number | undefined {
  const match = grammar.exec(owner);
  return match !== null && match[3] === pidNamespace() && isAlive(owner, 0) ? Number(match[1]) : undefined;
}

/** A name that tells a later process whose it is: `<purpose>-<owner>-<random>`. */
export function stagingName(purpose: string): string {
  return `${purpose}-${thisProcess()}-${randomHex(8)}`;
}

/** Whether what is at `path` (named by `stagingName`, or anything else that lies there) was left by a process that died. */
export function isAbandoned(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return false;
  const owner = path.split('-').at(-2) ?? '';
  return !isAlive(owner, stat.mtimeMs);
}

/** Fields 1 and 22 of /proc/<pid>/stat; the start time is in clock ticks since boot. A zombie has ended. */
function processOf(pid: number | 'self'): { readonly pid: string; readonly started: string } | undefined {
  const text = unless('ENOENT', undefined, () => unless('ESRCH', undefined, () => readStat(pid)));
  if (text === undefined) return undefined;
  // The second field is the program's name and may hold spaces and parentheses.
  const [status = '', ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return status === 'Z' || status === 'X' ? undefined : { pid: text.split(' ', 1)[0] ?? '', started: fields[18] ?? '' };
}

function readStat(pid: number | 'self'): string {
  return readFileSync(`/proc/${pid}/stat`, 'latin1');
}

/** The first 12 hexadecimal digits of the kernel's boot id. */
export function bootId(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').replaceAll('-', '').slice(0, 12);
  return boot;
}

function pidNamespace(): string {
  namespace ??= /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
  return namespace;
}
