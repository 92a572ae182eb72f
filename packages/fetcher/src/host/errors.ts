import { BoxError } from '@boxkit/contracts';

/** One program that cannot be put into an image, and why. */
export interface HostProblem {
  readonly program: string;
  readonly reason: string;
}

/** ERR_BOX_HOST_PROGRAM: programs of this machine that cannot be packed; all of them, in the order they were asked for. */
export class HostProgramError extends BoxError {
  readonly problems: readonly HostProblem[];

  constructor(problems: readonly HostProblem[], options: { readonly cause?: unknown } = {}) {
    const unique = [...new Map(problems.map((each) => [`${each.program}\0${each.reason}`, each])).values()];
    const list = unique.map(({ program, reason }) => `${program}: ${reason}`).join('; ');
    super('ERR_BOX_HOST_PROGRAM', `cannot make an image of this machine's programs: ${list}`, {
      hint: 'Install what is missing, leave it out of the list, or run as a user who may read it.',
      fields: { programs: [...new Set(unique.map(({ program }) => program))], problems: unique },
      ...options,
    });
    this.problems = unique;
  }
}

const words: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOENT: 'it does not exist',
  ENOTDIR: 'a directory on its path is none',
  ELOOP: 'its symbolic links never end',
};

/** A failure in a few words, with the path it is about. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, path } = error as NodeJS.ErrnoException;
  const word = code === undefined ? undefined : words[code];
  if (word === undefined) return error.message;
  return path === undefined ? word : `${path}: ${word}`;
}
