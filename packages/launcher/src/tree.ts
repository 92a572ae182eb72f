import { readdirSync, readlinkSync } from 'node:fs';
import type { LaunchPlan } from '@boxkit/contracts';
import { containerMark, marksOf } from '@boxkit/linux';
import { childrenOf } from './process-table.ts';

/** Kills everything that a plan has started, given the host program's pid. Safe to repeat. */
export function endTree(plan: LaunchPlan, pid: number): void {
  // the group holds the host program and whatever has not begun a session of its own yet
  const children = childrenOf(pid);
  kill(-pid);
  for (const child of children) kill(child);
  if (plan.tree === 'descendants' && plan.root !== undefined) endDescendants({ ...plan, root: plan.root });
}

/** A container whose processes no namespace holds together. */
export interface Descendants {
  readonly containerId: string;
  /** Absolute path of its rootfs on the host. */
  readonly root: string;
}

/** Kills whatever is the container's, in rounds, since what is being killed may still fork. */
export function endDescendants(container: Descendants): void {
  for (let round = 0; round < 100; round++) {
    const found = processesOf(container);
    if (found.length === 0) return;
    for (const pid of found) kill(pid);
  }
}

/** The processes whose root directory lies in the container's, as far as the caller may look, and are no other container's. */
export function processesOf({ containerId, root }: Descendants): readonly number[] {
  const mark = containerMark(containerId);
  const isOwn = (pid: number): boolean => {
    if (!liesIn(root, rootOf(pid))) return false;
    const marks = marksOf(pid);
    // one that has changed its root again sees no mark, but a directory may be the root of several and of the host
    return marks.length === 0 ? root !== '/' : marks.includes(mark);
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter(isOwn);
}

function liesIn(directory: string, path: string | undefined): boolean {
  return path !== undefined && (path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`));
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
