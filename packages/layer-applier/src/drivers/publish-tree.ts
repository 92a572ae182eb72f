import { closeSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { chmodSync, chownSync } from 'node:fs';
import { namesIn, openDirectory, setTimes, SystemCallError } from '@boxkit/linux';
import { moveAt, openPathForChange } from '../merge/open-directory.ts';
import { replaceXattrs } from '../merge/replace-xattrs.ts';

/**
 * Puts a finished tree where it belongs, without copying: by one rename, over an empty directory at most; or, with
 * `children`, name by name into the directory that is there (a mount point, or one whose parent is not ours).
 */
export function publishTree({ from, to, children }: { from: string; to: string; children: boolean }): void {
  if (children) publishChildren(from, to);
  else publishWhole(from, to);
}

function publishWhole(from: string, to: string): void {
  const [source, target] = [openDirectory(dirname(from)), openDirectory(dirname(to))];
  try {
    const [name, newName] = [bytes(basename(from)), bytes(basename(to))];
    const errno = moveAt(source, name, target, newName, true);
    if (errno !== undefined) throw new SystemCallError('renameat2', errno, to);
  } finally {
    closeSync(source);
    closeSync(target);
  }
}

function publishChildren(from: string, to: string): void {
  const { fd: source, stat } = openPathForChange(from);
  const target = openDirectory(to);
  try {
    for (const name of namesIn(source)) {
      const errno = moveAt(source, name, target, name, false);
      if (errno !== undefined) throw new SystemCallError('renameat2', errno, to);
    }
    const path = `/proc/self/fd/${target}`;
    chownSync(path, Number(stat.uid), Number(stat.gid));
    replaceXattrs(source, target);
    chmodSync(path, Number(stat.mode) & 0o7777);
    setTimes(target, stat.atimeNs, stat.mtimeNs);
  } finally {
    closeSync(source);
    closeSync(target);
  }
}

/** A path of the host's as the byte strings that the calls take. */
function bytes(name: string): string {
  return Buffer.from(name).toString('latin1');
}
