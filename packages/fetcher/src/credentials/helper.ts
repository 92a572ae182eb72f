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
    throw failed(helper, 'get', status);
  }
  try {
    const { Username, Secret } = JSON.parse(stdout) as Record<string, unknown>;
    if (typeof Secret !== 'string' || Secret === '') return undefined;
    if (Username === '<token>') return { kind: 'identity-token', token: Secret };
    return typeof Username === 'string' && Username !== ''
      ? { kind: 'password', username: Username, password: Secret }
      : undefined;
  } catch {
    throw failed(helper, 'get', 0);
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
  if (status !== 0) throw failed(helper, 'store', status);
}

/** Has a helper forget a credential. Resolves to false when it had none. */
export async function eraseFromHelper(helper: string, server: string, options: HelperOptions): Promise<boolean> {
  const { status, stdout } = await run(helper, 'erase', server, options);
  if (status === 0) return true;
  if (/credentials not found/i.test(stdout)) return false;
  throw failed(helper, 'erase', status);
}

function run(
  helper: string,
  verb: string,
  input: string,
  { env, signal }: HelperOptions,
): Promise<{ status: number; stdout: string }> {
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
      if (stdout.length < outputLimit) stdout += chunk;
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (signal.aborted) reject(signal.reason as Error);
      else if (error.code === 'ENOENT') reject(new HelperMissing(`docker-credential-${helper} is not installed`));
      else reject(failed(helper, verb, undefined, error));
    });
    child.on('close', (status) => resolve({ status: status ?? 1, stdout }));
    // A helper that does not read its input closes the pipe early.
    child.stdin.on('error', () => {});
    child.stdin.end(`${input}\n`);
  });
}

// Without the helper's output: it may be a secret.
function failed(helper: string, verb: string, status: number | undefined, cause?: Error): BoxError {
  const why =
    status === undefined
      ? cause?.name === 'AbortError'
        ? 'it took too long'
        : (cause?.message ?? 'it failed')
      : status === 0
        ? 'its answer cannot be read'
        : `it ended with status ${status}`;
  return new BoxError('ERR_BOX_CREDENTIALS', `cannot ${verb} a credential with docker-credential-${helper}: ${why}`, {
    hint: `Run docker-credential-${helper} list to see what it says.`,
    ...(cause === undefined ? {} : { cause }),
  });
}
