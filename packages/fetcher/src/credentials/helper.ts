import { spawn } from 'node:child_process';
import { BoxError } from '@boxkit/contracts';
import type { Credential } from './credential.ts';

/** Milliseconds; a helper may ask a person to unlock a key ring. */
const helperTimeout = 60_000;
const outputLimit = 1 << 20;

export interface HelperOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** A helper's program could not be found. */
export class HelperMissing extends Error {}

/**
 * Asks `docker-credential-NAME` for a server's credential; undefined when it has none. Throws HelperMissing, or
 * ERR_BOX_CREDENTIALS. docker/docker-credential-helpers, "Usage".
 */
export async function getFromHelper(
  helper: string,
  server: string,
  options: HelperOptions,
): Promise<Credential | undefined> {
  const { status, stdout } = await run(helper, 'get', server, options);
  if (status !== 0) {
    if (/credentials not found/i.test(stdout)) return undefined;
    throw failed(helper, 'get', ended(status));
  }
  try {
    const { Username, Secret } = JSON.parse(stdout) as Record<string, unknown>;
    if (typeof Secret !== 'string' || Secret === '') return undefined;
    if (Username === '<token>') return { kind: 'identity-token', token: Secret };
    return typeof Username === 'string' && Username !== ''
      ? { kind: 'password', username: Username, password: Secret }
      : undefined;
  } catch {
    throw failed(helper, 'get', 'its answer cannot be read');
  }
}

/** Has a helper keep a credential. */
export async function storeInHelper(
  helper: string,
  server: string,
  credential: Credential,
  options: HelperOptions,
): Promise<void> {
  const pair =
    credential.kind === 'password'
      ? { Username: credential.username, Secret: credential.password }
      : { Username: '<token>', Secret: credential.token };
  const { status } = await run(helper, 'store', JSON.stringify({ ServerURL: server, ...pair }), options);
  if (status !== 0) throw failed(helper, 'store', ended(status));
}

/** Has a helper forget a credential. Resolves to false when it had none. */
export async function eraseFromHelper(helper: string, server: string, options: HelperOptions): Promise<boolean> {
  const { status, stdout } = await run(helper, 'erase', server, options);
  if (status === 0) return true;
  if (/credentials not found/i.test(stdout)) return false;
  throw failed(helper, 'erase', ended(status));
}

function run(
  helper: string,
  verb: string,
  input: string,
  { env, signal }: HelperOptions,
): Promise<{ status: number | NodeJS.Signals; stdout: string }> {
  // The name becomes part of a program's; a path in it would run anything.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(helper)) {
    throw new BoxError(
      'ERR_BOX_CREDENTIALS',
      `cannot ask the credential helper ${JSON.stringify(helper.slice(0, 80))}: that is no helper's name`,
    );
  }
  return new Promise((resolve, reject) => {
    const child = spawn(`docker-credential-${helper}`, [verb], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...env },
      signal: AbortSignal.any([signal, AbortSignal.timeout(helperTimeout)]),
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
      if (stdout.length <= outputLimit) return;
      child.kill('SIGKILL');
      child.stdout.destroy();
      reject(failed(helper, verb, `its answer is longer than ${outputLimit} bytes`));
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      // A process that it started may hold the pipe open for ever.
      child.stdout.destroy();
      if (signal.aborted) reject(signal.reason as Error);
      else if (error.code === 'ENOENT') reject(new HelperMissing(`docker-credential-${helper} is not installed`));
      else reject(failed(helper, verb, reasonOf(error), error));
    });
    child.on('close', (status, killer) => resolve({ status: status ?? killer ?? 1, stdout }));
    // A helper that does not read its input closes the pipe early.
    child.stdin.on('error', () => {});
    child.stdin.end(`${input}\n`);
  });
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.name === 'AbortError') return `it did not answer for ${helperTimeout / 1000} seconds`;
  return error.code === 'EACCES' ? 'its program may not be executed' : error.message;
}

function ended(status: number | NodeJS.Signals): string {
  return typeof status === 'number' ? `it ended with status ${status}` : `it was ended by ${status}`;
}

// Without the helper's output: it may be a secret.
function failed(helper: string, verb: string, why: string, cause?: Error): BoxError {
  return new BoxError('ERR_BOX_CREDENTIALS', `cannot ${verb} a credential with docker-credential-${helper}: ${why}`, {
    hint: `Run docker-credential-${helper} list to see what it says.`,
    ...(cause === undefined ? {} : { cause }),
  });
}
