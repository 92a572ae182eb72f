import { chmodSync, closeSync, fstatSync, mkdirSync, mkdtempSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { openDirectory, removeDirectory, setTimes, removeName } from '@boxkit/linux';
import type { BytePath } from '../byte-path.ts';
import { moveAt, must, openBelow, openPathForChange } from './open-directory.ts';

/** What of a stat is set at the end. */
export type FinalAttributes = Pick<BigIntStats, 'atimeNs' | 'mtimeNs' | 'mode'>;

/** What a directory of the root is to have when the merge is over. */
interface Final {
  readonly path: BytePath;
  readonly inode: bigint;
  accessed: bigint;
  modified: bigint;
  mode: number;
}

/**
 * The root that layers are merged onto. Directories change their times while names move in and out of them, and a
 * user's read-only ones are opened up meanwhile: `remember` before the first change, `restore` at the end.
 */
export interface MergeState extends Disposable {
  /** The root's descriptor. */
  readonly root: number;
  /** A directory of this layer's own outside the root: what is taken out, and what is held for a while. */
  readonly trash: number;
  /** Keeps the directory's times and mode as they are now, or as `stat` has them, unless that was done before. */
  remember(fd: number, path: BytePath, stat?: BigIntStats): void;
  /** The directory gets these times and this mode instead of its old ones. */
  replace(fd: number, path: BytePath, stat: FinalAttributes): void;
  /** Takes a name out of the root, whatever is below it; space is freed when the trash is removed. */
  discard(directory: number, name: string, path: BytePath): void;
  /** Sets what was remembered, and forgets it. */
  restore(): void;
}

/** Opens `root`; what is taken out of it goes to `trash`, a directory on the same file system that is made. */
export function openMergeState(rootPath: string, trashPath: string): MergeState {
  mkdirSync(trashPath, { recursive: true, mode: 0o700 });
  const { fd: root, stat: rootStat } = openPathForChange(rootPath);
  const trash = openDirectory(mkdtempSync(join(trashPath, 'layer-')));
  const finals = new Map<string, Final>();
  let discarded = 0;

  const keep = (path: BytePath, stat: BigIntStats): void => {
    finals.set(`${stat.dev}:${stat.ino}`, {
      path,
      inode: stat.ino,
      accessed: stat.atimeNs,
      modified: stat.mtimeNs,
      mode: Number(stat.mode) & 0o7777,
    });
  };
  keep('' as BytePath, rootStat);

  return {
    root,
    trash,
    remember(fd, path, stat) {
      const current = stat ?? fstatSync(fd, { bigint: true });
      if (!finals.has(`${current.dev}:${current.ino}`)) keep(path, current);
    },
    replace(fd, path, stat) {
      const { dev, ino } = fstatSync(fd, { bigint: true });
      finals.set(`${dev}:${ino}`, {
        path,
        inode: ino,
        accessed: stat.atimeNs,
        modified: stat.mtimeNs,
        mode: Number(stat.mode) & 0o7777,
      });
    },
    discard(directory, name, path) {
      const errno = removeName(directory, name);
      if (errno === undefined || errno === 'ENOENT') return;
      if (errno !== 'EISDIR' && errno !== 'EPERM') must(errno, 'unlinkat', path);
      if (removeDirectory(directory, name) === undefined) return;
      must(moveAt(directory, name, trash, String(discarded++), false), 'renameat2', path);
    },
    restore() {
      // What lies below comes first: a directory that is closed again lets nobody through.
      const deepestFirst = [...finals.values()].toSorted((a, b) => (a.path < b.path ? 1 : -1));
      for (const { path, inode, accessed, modified, mode } of deepestFirst) {
        const fd = openBelow(root, path);
        // A directory that a later step discarded is gone, or another one now.
        if (typeof fd === 'string') continue;
        const stat = fstatSync(fd, { bigint: true });
        if (stat.ino === inode) {
          if ((Number(stat.mode) & 0o7777) !== mode) chmodSync(`/proc/self/fd/${fd}`, mode);
          setTimes(fd, accessed, modified);
        }
        closeSync(fd);
      }
      finals.clear();
    },
    [Symbol.dispose]() {
      closeSync(root);
      closeSync(trash);
    },
  };
}
