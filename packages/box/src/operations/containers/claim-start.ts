import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ContainerRecord, isAlive, thisProcess } from '@boxkit/store';
import { wrongState } from './find.ts';

const fileName = 'starting';

/**
 * Lets one process alone start a container that has ended; the claim of a process that has died is void. Disposing
 * gives it up. Throws ERR_BOX_CONTAINER_STATE when another has it.
 */
export function claimStart(record: ContainerRecord): Disposable {
  const path = join(record.path, fileName);
  for (let attempt = 0; attempt < 10; attempt++) {
    try {
      writeFileSync(path, thisProcess(), { flag: 'wx', mode: 0o600 });
      return { [Symbol.dispose]: () => remove(path) };
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    if (isHeld(path)) break;
    remove(path);
  }
  throw wrongState(record, 'start', 'another process is starting it');
}

function isHeld(path: string): boolean {
  try {
    const owner = readFileSync(path, 'latin1');
    // Made, and not written yet.
    return owner === '' || isAlive(owner, Date.now());
  } catch {
    // given up just now
    return false;
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    // the container may have been removed meanwhile
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
