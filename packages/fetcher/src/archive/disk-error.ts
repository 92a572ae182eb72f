import { BoxError, isBoxError } from '@boxkit/contracts';

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
};

/** Whether an error is the file system's own. */
export function isDiskError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error && !isBoxError(error);
}

/** ERR_BOX_SYSTEM_CALL for what the disk said when an image was written to `path`. */
export function unwritable(path: string, cause: NodeJS.ErrnoException): BoxError {
  const errno = cause.code ?? 'unknown';
  return new BoxError('ERR_BOX_SYSTEM_CALL', `cannot write an image to ${path}: ${reasons[errno] ?? cause.message}`, {
    hint: 'Nothing was changed there. Choose another place, or make room.',
    cause,
    fields: { errno, path },
  });
}
