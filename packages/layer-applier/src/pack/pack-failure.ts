import { BoxError, isBoxError } from '@boxkit/contracts';
import { pathText, type BytePath } from '../byte-path.ts';

/** Thrown where the name of the tree is not at hand; `packProblem` adds it. */
export class PackFailure extends Error {
  readonly path: BytePath;
  readonly errno: string | undefined;

  constructor(path: BytePath, reason: string, errno?: string) {
    super(reason);
    this.path = path;
    this.errno = errno;
  }

  /** Of an errno, or of what node:fs or a system call threw; other errors pass. */
  static of(path: BytePath, error: unknown): unknown {
    const errno = typeof error === 'string' ? error : errnoOf(error);
    return errno === undefined ? error : new PackFailure(path, reasons[errno] ?? errno, errno);
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOENT: 'there is no such directory',
  ENOTDIR: 'it is no directory',
  ELOOP: 'it is a symbolic link',
  EIO: 'the disk cannot read it',
  EMFILE: 'too many directories in one another for the limit of open files',
};

function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (isBoxError(error)) return error.fields['errno'] as string | undefined;
  return 'code' in error && typeof error.code === 'string' && 'syscall' in error ? error.code : undefined;
}

/** A failure as ERR_BOX_FILE_UNREADABLE that names the file; other errors pass. */
export function packProblem(error: unknown, root: string): unknown {
  if (!(error instanceof PackFailure)) return error;
  const path = error.path === '' ? root : `${root}/${pathText(error.path)}`;
  return new BoxError('ERR_BOX_FILE_UNREADABLE', `cannot make a layer of ${path}: ${error.message}`, {
    hint: hintOf(error),
    fields: { path, ...(error.errno === undefined ? {} : { errno: error.errno }) },
  });
}

function hintOf({ errno, path }: PackFailure): string {
  if (errno === 'EACCES' || errno === 'EPERM') return 'Make it readable, or run box as its owner or as root.';
  if (path === '' && errno === 'ENOTDIR')
    return 'Name a directory; a tar that is a layer already goes to `box append`.';
  if (path === '' && errno === 'ENOENT') return 'Name a directory that exists.';
  return 'See that nothing changes the directory, and try again.';
}
