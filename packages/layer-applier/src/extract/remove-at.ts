import { readdirSync } from 'node:fs';
import { atFlag, close, cString, lastErrno, openAt, openFlag, unlinkAt } from '@boxkit/linux';
import { failedCall } from './failed-call.ts';

const openDirectory = openFlag.readOnly | openFlag.directory | openFlag.noFollow | openFlag.closeOnExec;

/**
 * Removes what stands at `name` in a directory, and all below it; following no symlink, one descriptor a level.
 * `name` is latin1, one character a byte. Nothing there is no error.
 */
export function removeAt(directory: number, name: string): void {
  const bytes = cString(Buffer.from(name, 'latin1'));
  if (unlinkAt(directory, bytes, 0) === 0) return;
  const errno = lastErrno();
  if (errno === 'ENOENT') return;
  if (errno !== 'EISDIR' && errno !== 'EPERM') throw failedCall('unlinkat', errno);
  const fd = openAt(directory, bytes, openDirectory, 0);
  if (fd === -1) throw failedCall('openat');
  try {
    for (const child of readdirSync(`/proc/self/fd/${fd}`, 'latin1')) removeAt(fd, child);
  } finally {
    close(fd);
  }
  if (unlinkAt(directory, bytes, atFlag.removeDirectory) !== 0) throw failedCall('unlinkat');
}
