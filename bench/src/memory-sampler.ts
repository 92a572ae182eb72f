import { readdirSync, readFileSync } from 'node:fs';

/** Milliseconds between two looks: a look costs less than half a millisecond. */
const interval = 25;
const pageSize = 4096;

/** Watches the memory of what this process starts. */
export interface MemorySampler {
  /** Bytes: the most that was resident at one look, all processes together. Ends the watch. */
  stop(): number;
}

/**
 * Sums the resident sets of all processes below this one that were not there before, look by look. What several
 * processes share counts for each of them; files on a tmpfs count for none.
 */
export function sampleMemory(): MemorySampler {
  const before = new Set(descendants(process.pid));
  let most = 0;
  const timer = setInterval(() => {
    const sum = descendants(process.pid)
      .filter((pid) => !before.has(pid))
      .reduce((total, pid) => total + residentSet(pid), 0);
    most = Math.max(most, sum);
  }, interval);
  return {
    stop() {
      clearInterval(timer);
      return most;
    },
  };
}

/**
 * Children are listed by the thread that started them: proc_pid_children(5). One that has not executed its program yet is
 * left out: what it has resident is its parent's.
 */
function descendants(pid: number): number[] {
  const command = read(`/proc/${pid}/cmdline`);
  const children = listed(`/proc/${pid}/task`)
    .flatMap((thread) => read(`/proc/${pid}/task/${thread}/children`).trim().split(' ').filter(Boolean))
    .filter((child) => read(`/proc/${child}/cmdline`) !== command)
    .map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

/** The second field of proc_pid_statm(5). */
function residentSet(pid: number): number {
  return Number(read(`/proc/${pid}/statm`).split(' ')[1] ?? 0) * pageSize;
}

/** A process may end at any time. */
function listed(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
