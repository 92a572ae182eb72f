import { isBoxError, type BoxEvent } from '@boxkit/contracts';
import type { Credential, FindCredential } from '../credentials/credential.ts';
import { RegistryError } from '../http/errors.ts';
import type { HttpResponse, Transport } from '../http/transport.ts';
import { parseChallenges, type Challenge } from './challenge.ts';
import { basic, requestToken } from './token.ts';

export interface AuthorizerOptions {
  readonly transport: Transport;
  /** The registry's base URL. */
  readonly registry: URL;
  /** What credentials are kept under: `docker.io`, `localhost:5000`. */
  readonly name: string;
  readonly repository: string;
  /** What is to be done in the repository; default `pull`. */
  readonly actions?: 'pull' | 'pull,push';
  readonly findCredential: FindCredential;
  readonly signal: AbortSignal;
  readonly emit: (event: BoxEvent) => void;
}

/** Knows the Authorization header for one repository of one registry. */
export interface Authorizer {
  /** The header to send now; undefined before the first challenge. */
  header(): string | undefined;
  /**
   * Answers a 401. `used` is the header that was refused: when another request has got a new one meanwhile, that is
   * taken. Resolves to false when there is nothing (more) to offer.
   */
  answer(response: HttpResponse, used: string | undefined): Promise<boolean>;
}

export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  let current: string | undefined;
  let refreshing: Promise<boolean> | undefined;
  let credential: Promise<Credential | undefined> | undefined;

  const findOnce = (): Promise<Credential | undefined> =>
    (credential ??= options.findCredential(options.name, options.repository, options.signal));

  async function offer(challenges: readonly Challenge[], used: string | undefined): Promise<boolean> {
    const bearer = challenges.find((challenge) => challenge.scheme === 'bearer');
    if (bearer !== undefined) {
      current = `Bearer ${await tokenFor(bearer)}`;
      return true;
    }
    const known = challenges.some((challenge) => challenge.scheme === 'basic') ? await findOnce() : undefined;
    if (known?.kind !== 'password') return false;
    current = basic(known.username, known.password);
    return current !== used;
  }

  async function tokenFor(challenge: Challenge): Promise<string> {
    const { transport, registry, repository, actions = 'pull', signal } = options;
    // A login asks for no repository, only for a token.
    const scope = repository === '' ? '' : `repository:${repository}:${actions}`;
    const request = { transport, challenge, scope, always: actions !== 'pull', registry, signal };
    const known = await findOnce();
    try {
      return await requestToken({ ...request, credential: known });
    } catch (error) {
      if (known === undefined || !isBoxError(error, 'ERR_BOX_REGISTRY_UNAUTHORIZED')) throw error;
      if (!(error instanceof RegistryError) || error.status === undefined) throw error;
      // A login that has expired must not stand before public images; the private ones still fail, and say why.
      options.emit({ type: 'warning', code: 'login-refused', message: `${error.message}; going on without a login` });
      credential = Promise.resolve(undefined);
      return await requestToken({ ...request, credential: undefined });
    }
  }

  return {
    header: () => current,
    async answer(response, used) {
      if (current !== undefined && current !== used) return true;
      const header = response.headers['www-authenticate'] ?? '';
      refreshing ??= offer(parseChallenges(header), used).finally(() => {
        refreshing = undefined;
      });
      return await refreshing;
    },
  };
}
