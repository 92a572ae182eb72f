import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('./child.ts', import.meta.url));

export interface WorkingChild {
  readonly process: ChildProcess;
  /** Lines told so far. */
  readonly lines: () => string[];
  /** Resolves with its status or signal, when its output has been read. */
  readonly ended: Promise<number | string | null>;
}

/** Starts child.ts; `before` is a command to run it under. */
export function startChild(args: readonly (string | number)[], before: readonly string[] = []): WorkingChild {
  const [file = '', ...argv] = [...before, process.execPath, program, ...args.map(String)];
  const child = spawn(file, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return {
    process: child,
    lines: () => text.split('\n').slice(0, -1),
    ended: new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(code ?? signal));
    }),
  };
}
