import { closeSync, constants, fstatSync, openSync, statSync, unlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { bind, lastErrno, SystemCallError } from './libc.ts';

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;

const flock = bind('int flock(int fd, int operation)');

export interface LockOptions {
  /** Share the file with other shared holders; exclusive when absent. */
  readonly shared?: boolean;
}

export interface LockWaitOptions extends LockOptions {
  /** Ends the wait; the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called once, when another holder is found. */
  readonly onWait?: () => void;
}

/** A lock held on a file through an open descriptor. The kernel frees it when its holder dies, however it dies. */
export interface FileLock {
  /** Open for reading and writing; closed by `release`. */
  readonly fd: number;
  readonly path: string;
  /** Frees the lock; `remove` unlinks the file first. Does nothing the second time. */
  release(options?: { readonly remove?: boolean }): void;
}

/**
 * Takes flock(2) on `path`, made (0600) when missing. It excludes other processes and other callers in this one
 * alike, since every call opens the file anew. The wait polls, so the event loop stays free.
 * Throws what open(2) throws, or a SystemCallError (ENOLCK on some network file systems).
 */
export async function lockFile(path: string, options: LockWaitOptions = {}): Promise<FileLock> {
  const { signal, onWait } = options;
  let told = false;
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    signal?.throwIfAborted();
    const lock = tryLockFile(path, options);
    if (lock !== undefined) return lock;
    if (!told) onWait?.();
    told = true;
    await sleep(pause, undefined, signal === undefined ? {} : { signal }).catch(() => {});
  }
}

/** As `lockFile`, but gives undefined at once when someone else holds it. */
export function tryLockFile(path: string, options: LockOptions = {}): FileLock | undefined {
  const operation = (options.shared === true ? LOCK_SH : LOCK_EX) | LOCK_NB;
  for (;;) {
    const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    let held = false;
    try {
      if (!tryFlock(fd, operation, path)) return undefined;
      // The holder before us may have unlinked or renamed the file: then we hold a lock that nobody else will look at.
      held = isStill(fd, path);
    } finally {
      if (!held) closeSync(fd);
    }
    if (held) return fileLock(fd, path);
  }
}

function tryFlock(fd: number, operation: number, path: string): boolean {
  while (flock(fd, operation) === -1) {
    const errno = lastErrno();
    if (errno === 'EAGAIN' || errno === 'EWOULDBLOCK') return false;
    if (errno !== 'EINTR') throw new SystemCallError('flock', errno, path);
  }
  return true;
}

function isStill(fd: number, path: string): boolean {
  const opened = fstatSync(fd);
  const named = statSync(path, { throwIfNoEntry: false });
  return named !== undefined && named.ino === opened.ino && named.dev === opened.dev;
}

function fileLock(fd: number, path: string): FileLock {
  let open = true;
  return {
    fd,
    path,
    release(options = {}) {
      if (!open) return;
      open = false;
      try {
        if (options.remove === true) unlinkSync(path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      } finally {
        closeSync(fd);
      }
    },
  };
}
