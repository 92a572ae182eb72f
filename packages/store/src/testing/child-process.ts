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

/** Starts child.ts; with `cache`, a directory, those that follow one that ended by itself start in half the time. */
export function startChild(args: readonly (string | number)[], cache?: string): WorkingChild {
  const child = spawn(process.execPath, [program, ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }) },
  });
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
