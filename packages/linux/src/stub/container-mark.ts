import { readFileSync } from 'node:fs';

/** What the file system is called that holds the engine's files of a container: nothing inside can change it. */
export function containerMark(containerId: string): string {
  return `box-${containerId.slice(0, 12)}`;
}

/** The marks that a process sees among its mounts; none when it has ended. proc(5), mountinfo. */
export function marksOf(pid: number): readonly string[] {
  try {
    const mounts = readFileSync(`/proc/${pid}/mountinfo`, 'latin1');
    return [...mounts.matchAll(/ - tmpfs (box-[0-9a-f]{12}) /g)].map(([, mark = '']) => mark);
  } catch {
    // ended, or not ours to look at
    return [];
  }
}
