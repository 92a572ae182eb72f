import { rmdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** Milliseconds between attempts: the kernel takes a moment to count the dead. */
const pause = 10;
const attempts = 200;

/** Removes the cgroups that a plan has made, once their last process is gone. */
export async function removeCgroups(directories: readonly string[] = []): Promise<void> {
  for (const directory of directories) {
    for (let attempt = 0; attempt < attempts && !(await remove(directory)); attempt++) await delay(pause);
  }
}

async function remove(directory: string): Promise<boolean> {
  try {
    await rmdir(directory);
    return true;
  } catch (error) {
    // never made, or not empty yet
    return error instanceof Error && 'code' in error && error.code === 'ENOENT';
  }
}
