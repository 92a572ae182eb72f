import type { ContainerProcess, SystemCall } from '@boxkit/contracts';
import { AT_FDCWD, FD_CLOEXEC, F_SETFD, PR_SET_PDEATHSIG, SIGKILL, TIOCSCTTY } from '../constants.ts';
import { programDescriptor, reportDescriptor } from '../layout.ts';
import { reportReady } from '../report.ts';
import { openDirectoryInside } from './paths.ts';

/** Closes every descriptor but 0, 1, 2 and the report's, so that none is left to walk out through. */
export function closeDescriptors(): readonly SystemCall[] {
  return [
    { name: 'close', args: [programDescriptor], why: 'the program has been read', ignore: ['EBADF'] },
    { name: 'close_range', args: [reportDescriptor + 1, 0xffff_ffff, 0], why: 'nothing is inherited but 0, 1 and 2' },
    { name: 'fcntl', args: [reportDescriptor, F_SETFD, FD_CLOEXEC], why: 'the report ends when the command starts' },
  ];
}

/** Enters the working directory, which cannot be outside: no link of /proc is followed, no descriptor is left. */
export function enterWorkingDirectory(cwd: string): readonly SystemCall[] {
  const label = 'working directory';
  return [
    openDirectoryInside(cwd, { label, why: 'the working directory must exist inside' }),
    { name: 'fchdir', args: [{ result: label }], why: 'start in the working directory' },
    { name: 'close', args: [{ result: label }], why: 'not needed any more' },
  ];
}

/** A session of its own, so that no terminal of the host can be written to by TIOCSTI. */
export function startSession({ terminal }: ContainerProcess): readonly SystemCall[] {
  const calls: SystemCall[] = [{ name: 'setsid', args: [], why: "away from the caller's terminal", ignore: ['EPERM'] }];
  if (terminal) calls.push({ name: 'ioctl', args: [0, TIOCSCTTY, 0], why: 'the new terminal controls the session' });
  return calls;
}

/** Gives the terminal to the user of the command, who may want to open it by name. */
export function giveTerminal({ terminal, user }: ContainerProcess): readonly SystemCall[] {
  if (!terminal) return [];
  const why = 'the terminal belongs to the user of the command';
  return [{ name: 'fchown', args: [0, user.uid, 0xffff_ffff], why, ignore: 'any' }];
}

/** A session keyring of its own: the caller's may hold keys of the host's. Not every kernel has keyrings. */
export function ownKeyring(): SystemCall {
  return { name: 'keyctl', args: [1, null], why: "a session keyring of the container's own", ignore: 'any' };
}

/** Ends with the process that started it. Lost when ids change, so made again after that. */
export function dieWithParent(): SystemCall {
  return { name: 'prctl', args: [PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0], why: 'end with the launcher' };
}

/** Where a command is looked for, in order. */
export function commandCandidates({ argv, env }: Pick<ContainerProcess, 'argv' | 'env'>): readonly string[] {
  const [command] = argv;
  if (command.includes('/')) return [command];
  if (command === '') return [];
  return (env['PATH'] ?? '').split(':').map((directory) => `${directory === '' ? '.' : directory}/${command}`);
}

/**
 * Executes the command; the last call fails when none of the candidates can be executed. As execvp(3), but a file
 * that may be executed and yet cannot be (no interpreter, another architecture) ends the search.
 */
export function execute(process: ContainerProcess): readonly SystemCall[] {
  const argv = [...process.argv];
  const envp = Object.entries(process.env).map(([key, value]) => `${key}=${value}`);
  const candidates = commandCandidates(process);
  const calls: SystemCall[] = [reportReady()];
  const run = (path: string, why: string): SystemCall => ({ name: 'execve', args: [path, argv, envp], why });
  if (candidates.length > 1) {
    candidates.forEach((path, at) => {
      calls.push(
        {
          name: 'faccessat',
          args: [AT_FDCWD, path, 1],
          why: 'look for the command',
          ignore: 'any',
          label: `candidate ${at}`,
          next: { error: at + 1 < candidates.length ? `candidate ${at + 1}` : 'no candidate' },
        },
        { ...run(path, 'start the command'), ignore: ['EACCES'] },
      );
    });
  }
  calls.push({ ...run(candidates[0] ?? '', 'start the command'), label: 'no candidate' });
  return calls;
}
