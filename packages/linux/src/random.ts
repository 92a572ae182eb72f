import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

/** Bytes that were read and are not used yet, each given out once. */
let pool: Buffer = Buffer.alloc(0);

/**
 * `count` bytes of the kernel's random numbers, as hexadecimal digits: for names that nobody may guess or have had before.
 * From /dev/urandom, because loading node:crypto takes a tenth of a container's start.
 */
export function randomHex(count: number): string {
  if (pool.length < count) pool = read(Math.max(count, 256));
  const bytes = pool.subarray(0, count);
  pool = pool.subarray(count);
  return bytes.toString('hex');
}

function read(count: number): Buffer {
  const bytes = Buffer.alloc(count);
  let fd: number | undefined;
  try {
    fd = openSync('/dev/urandom', 'r');
    if (readSync(fd, bytes, 0, count, null) === count) return bytes;
  } catch {
    // a root without devices
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
  return randomFillSync(bytes);
}
