import { closeSync, constants, openSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomHex } from '@boxkit/linux';

/** O_TMPFILE, which node:fs does not name: a file that never has a name. */
const unnamed = 0x40_0000 | constants.O_DIRECTORY;

/**
 * A read-only descriptor, at the start, of a new file without a name that holds `bytes`. The first of `directories`
 * that takes it serves: memory before disks for what is secret, a file system that may be executed from for a program.
 */
export function unnamedFile(bytes: Uint8Array, mode: number, directories: readonly string[]): number {
  const file = create(mode, directories);
  try {
    for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
    return openSync(`/proc/self/fd/${file}`, 'r');
  } finally {
    // A program that is still open for writing cannot be executed.
    closeSync(file);
  }
}

function create(mode: number, directories: readonly string[]): number {
  for (const directory of directories) {
    try {
      return openSync(directory, unnamed | constants.O_RDWR, mode);
    } catch {
      // not there, not writable or without O_TMPFILE: try the next
    }
  }
  const path = join(tmpdir(), `box-${randomHex(12)}`);
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, mode);
  unlinkSync(path);
  return file;
}
