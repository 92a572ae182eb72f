import { readdirSync, readlinkSync } from 'node:fs';
import type { LaunchPlan } from '@boxkit/contracts';
import { childrenOf } from './process-table.ts';

/** Kills everything that a plan has started, given the host program's pid. Safe to repeat. */
export function endTree(plan: LaunchPlan, pid: number): void {
  // the group holds the host program and whatever has not begun a session of its own yet
  const children = childrenOf(pid);
  kill(-pid);
  for (const child of children) kill(child);
  if (plan.tree === 'descendants' && plan.root !== undefined) endDescendants(plan.root);
}

/** Kills whatever has this root, in rounds, since what is being killed may still fork. */
export function endDescendants(root: string): void {
  for (let round = 0; round < 100; round++) {
    const found = processesWithRoot(root);
    if (found.length === 0) return;
    for (const pid of found) kill(pid);
  }
}

/** The processes whose root directory is this one, as far as the caller may look. */
export function processesWithRoot(root: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => rootOf(pid) === root);
}

function rootOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/root`);
  } catch {
    // ended, or not ours to look at
    return undefined;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ended meanwhile
  }
}
