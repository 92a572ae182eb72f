import { spawn } from 'node:child_process';

export interface CommandOptions {
  readonly cwd?: string;
  /** The whole environment; the caller's own when left out. */
  readonly env?: NodeJS.ProcessEnv;
  /** Written to stdin, which is then closed. Closed at once when left out. */
  readonly input?: string | Uint8Array;
  /** Milliseconds until SIGKILL; default 120 000. */
  readonly timeout?: number;
  /** Run as this user, with no supplementary groups; needs root when it is not the caller. */
  readonly uid?: number;
  readonly gid?: number;
  readonly signal?: AbortSignal;
  /** How the output is decoded; default `utf8`. */
  readonly encoding?: 'utf8' | 'latin1';
}

export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, whatever its status. Rejects only when it cannot be started. */
export function tryCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      ...(options.gid === undefined ? {} : { gid: options.gid }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      env: options.env ?? process.env,
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: options.timeout ?? 120_000,
      killSignal: 'SIGKILL',
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      const decode = (parts: Buffer[]): string => Buffer.concat(parts).toString(options.encoding ?? 'utf8');
      resolve({ code, signal, stdout: decode(stdout), stderr: decode(stderr) });
    });
    // A program that does not read its stdin may end before it is written.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input);
  });
}

/** Runs a program that has to succeed; throws with its output when it does not. */
export async function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const result = await tryCommand(file, args, options);
  if (result.code === 0) return result;
  const how = result.signal === null ? `status ${result.code}` : result.signal;
  throw new Error(`${file} ${args.join(' ')} ended with ${how}\n${result.stdout}${result.stderr}`);
}
