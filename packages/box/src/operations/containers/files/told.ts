import { BoxError, isBoxError } from '@boxkit/contracts';
import { SystemCallError } from '@boxkit/linux';

/** Does something, and gives an error the name of what was being done. Throws BoxError. */
export function told(what: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (isBoxError(error) && !(error instanceof SystemCallError)) {
      const { code, message, hint, fields } = error;
      throw new BoxError(code, `cannot ${what}: ${message}`, { ...(hint === undefined ? {} : { hint }), fields });
    }
    throw new BoxError('ERR_BOX_FILE_UNREADABLE', `cannot ${what}: ${reasonOf(error)}`, {
      hint: 'Look at both paths; `box exec CONTAINER ls -l DIR` shows what is inside.',
    });
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such directory',
  ENOTDIR: 'something on the way is no directory',
  ELOOP: 'too many symlinks',
};

function reasonOf(error: unknown): string {
  if (error instanceof SystemCallError) return reasons[error.errno] ?? error.message;
  return error instanceof Error ? error.message.replaceAll(/\/proc\/self\/fd\/\d+\//g, '') : String(error);
}
