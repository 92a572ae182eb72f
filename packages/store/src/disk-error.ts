import { constants } from 'node:os';
import { BoxError, isBoxError } from '@boxkit/contracts';

/** The errno of a failed call of node:fs, by name. libuv knows no name for some: EDQUOT comes as `Unknown system error -122`. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  if (!error.code.startsWith('Unknown system error')) return error.code;
  const number = -Number((error as NodeJS.ErrnoException).errno);
  return Object.entries(constants.errno).find(([, value]) => value === number)?.[0] ?? error.code;
}

/** Runs `work`, taking an errno that is expected for `fallback`. */
export function unless<T, F>(errno: string, fallback: F, work: () => T): T | F {
  try {
    return work();
  } catch (error) {
    if (errnoOf(error) === errno) return fallback;
    throw error;
  }
}

const full = new Map([
  ['ENOSPC', 'no space is left on the device'],
  ['EDQUOT', 'the disk quota is used up'],
]);

const unwritable = new Map([
  ['EROFS', 'the file system is read-only'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'not permitted'],
  ['ENOTDIR', 'a part of the path is no directory'],
  ['ELOOP', 'a part of the path is a symbolic link'],
  ['ENAMETOOLONG', 'the path is too long'],
]);

/**
 * What an error of the disk means for who asked: ERR_BOX_STORE_FULL, ERR_BOX_STORE_UNWRITABLE, else
 * ERR_BOX_SYSTEM_CALL. `action` continues "cannot ...". A BoxError, and what is no error of the system, passes as it is.
 */
export function diskError(action: string, error: unknown): unknown {
  const errno = errnoOf(error);
  if (isBoxError(error) || errno === undefined || !/^E[A-Z0-9]+$/.test(errno)) return error;
  const fields = { errno, path: (error as NodeJS.ErrnoException).path };
  const noRoom = full.get(errno);
  if (noRoom !== undefined) {
    return new BoxError('ERR_BOX_STORE_FULL', `cannot ${action}: ${noRoom}`, {
      hint: 'Free some space (`box prune` removes what no image needs), or give another home with BOX_HOME.',
      cause: error,
      fields,
    });
  }
  const refused = unwritable.get(errno);
  if (refused !== undefined) {
    return new BoxError('ERR_BOX_STORE_UNWRITABLE', `cannot ${action}: ${refused}`, {
      hint: 'Give a home that you may write to with BOX_HOME.',
      cause: error,
      fields,
    });
  }
  return new BoxError('ERR_BOX_SYSTEM_CALL', `cannot ${action}: ${(error as Error).message}`, { cause: error, fields });
}
