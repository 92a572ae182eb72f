import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface BoxShell extends AsyncDisposable {
  /** Runs a script of sh's with `box` on its path, a store of its own, and an empty directory to work in. */
  run(script: string): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>;
}

/** A shell in which somebody uses the built command. `name` is for its directory. */
export async function startBoxShell(name: string): Promise<BoxShell> {
  const home = await mkdtemp(join(tmpdir(), `box-${name}-`));
  const bin = join(import.meta.dirname, '../bin');
  const env = { ...process.env, BOX_HOME: join(home, 'store'), PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  return {
    run: (script) =>
      new Promise((resolve) => {
        execFile('sh', ['-c', script], { env, cwd: home }, (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
        });
      }),
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  };
}
