import { BoxError, isBoxError } from './errors.ts';

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is used up',
  EISDIR: 'a directory is there',
  EEXIST: 'something else is in the way',
  ENOENT: 'nothing can be made there',
  ENOTDIR: 'a part of the path is no directory',
  ELOOP: 'the symbolic links on its way never end',
  ENAMETOOLONG: 'the path is too long',
};

const hints: Readonly<Record<string, string>> = {
  ENOSPC: 'Make room there, or choose another place.',
  EDQUOT: 'Make room there, or choose another place.',
};

/** Whether an error is the kernel's own, as node:fs gives it, and none of box's. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error && !isBoxError(error);
}

/** What an errno says of a file or directory that was to be made or written, in a few words. */
export function writeReason(error: NodeJS.ErrnoException): string {
  return reasons[error.code ?? ''] ?? error.message;
}

/**
 * ERR_BOX_SYSTEM_CALL for what the kernel said while something was made or written, with `errno` and `path` in its fields.
 * Any other error passes as it is.
 *
 * @param action continues "cannot ..."
 */
export function writeError(action: string, error: unknown): unknown {
  if (!isSystemError(error)) return error;
  const { code: errno = 'unknown', path } = error;
  return new BoxError('ERR_BOX_SYSTEM_CALL', `cannot ${action}: ${writeReason(error)}`, {
    hint: hints[errno] ?? 'Choose a place that you may write to.',
    cause: error,
    fields: { errno, ...(path === undefined ? {} : { path }) },
  });
}
