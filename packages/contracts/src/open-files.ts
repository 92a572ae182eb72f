import { BoxError } from './errors.ts';

/** Node's own loader says it in words alone: `Cannot read package config ...: too many open files`. */
const said = /\b(?:EMFILE|ENFILE)\b|too many open files/;

const hints = {
  EMFILE: 'Raise the limit of open files: `ulimit -n 1024` in the shell, or LimitNOFILE= of a service.',
  ENFILE: 'The whole machine has run out of open files: end some programs, or raise the sysctl fs.file-max.',
} as const;

/**
 * The lack of open files by its own name, ERR_BOX_OPEN_FILES, wherever it showed first: in `error`, or in what caused it.
 * Any other error passes as it is.
 */
export function openFilesError(error: unknown): unknown {
  const errno = lackOf(error);
  if (errno === undefined) return error;
  // A thread that failed tells with its stack.
  const [reason] = (error instanceof Error ? error.message : String(error)).split('\n', 1);
  return new BoxError('ERR_BOX_OPEN_FILES', `too few open files are allowed: ${reason}`, {
    hint: hints[errno],
    cause: error,
    fields: { errno },
  });
}

function lackOf(error: unknown): keyof typeof hints | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if ('code' in current && current.code === 'ERR_BOX_OPEN_FILES') return undefined;
    const fields = 'fields' in current ? (current.fields as { readonly errno?: unknown }) : {};
    for (const errno of ['EMFILE', 'ENFILE'] as const) {
      if (('code' in current && current.code === errno) || fields.errno === errno) return errno;
    }
    if (said.test(current.message)) return current.message.includes('ENFILE') ? 'ENFILE' : 'EMFILE';
  }
  return undefined;
}
