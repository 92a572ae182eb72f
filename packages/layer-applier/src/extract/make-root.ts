import { mkdirSync } from 'node:fs';
import { cString, currentDirectory, fchmod, openAt, openFlag, removeXattr, SystemCallError } from '@boxkit/linux';
import { failedCall } from './failed-call.ts';

/**
 * Makes `name` in the staging directory, without what its parent may pass on to all below (setgid, default ACL); gives a
 * descriptor of it.
 */
export function makeRoot(directory: string, name: string): number {
  const path = `${directory}/${name}`;
  mkdirSync(path, 0o700);
  for (const acl of ['system.posix_acl_default', 'system.posix_acl_access']) dropXattr(path, acl);
  const fd = openAt(
    currentDirectory,
    cString(path),
    openFlag.readOnly | openFlag.directory | openFlag.noFollow | openFlag.closeOnExec,
    0,
  );
  if (fd === -1) throw failedCall('openat');
  if (fchmod(fd, 0o700) !== 0) throw failedCall('fchmod');
  return fd;
}

function dropXattr(path: string, name: string): void {
  try {
    removeXattr(path, name);
  } catch (error) {
    // ENODATA: there is none. ENOTSUP: there can be none.
    if (!(error instanceof SystemCallError)) throw error;
  }
}
