import { BoxError } from '@boxkit/contracts';
import type { Credential } from '../credentials/credential.ts';
import { readBody } from '../http/body.ts';
import { contentOf } from '../http/content-coding.ts';
import { connectionError, RegistryError } from '../http/errors.ts';
import { isLoopback } from '../http/proxy.ts';
import { redactUrl } from '../http/redact.ts';
import type { HttpRequest, HttpResponse, Transport } from '../http/transport.ts';
import type { Challenge } from './challenge.ts';
import { isRedirect, redirectLimit, redirectTarget, tooManyRedirects } from './redirect.ts';
import { mergeScopes } from './scopes.ts';
import { responseError } from './response-error.ts';

/** Real tokens have 1 to 5 KiB. */
const tokenLimit = 1 << 20;

export interface TokenRequest {
  readonly transport: Transport;
  readonly challenge: Challenge;
  /** What we ask for, when the challenge does not say: `repository:library/alpine:pull`. */
  readonly scope: string;
  /** Whether to ask for `scope` beside what the challenge says: a push begins with questions whose challenge says `pull`. */
  readonly always?: boolean;
  /** The registry that sent the challenge. */
  readonly registry: URL;
  readonly credential: Credential | undefined;
  readonly signal: AbortSignal;
}

/**
 * Gets a token from the realm of a Bearer challenge: GET with Basic, or the OAuth2 form with an identity token, or
 * where the realm knows no GET. distribution, docs "Token Authentication Specification" and "OAuth2 token".
 */
export async function requestToken(request: TokenRequest): Promise<string> {
  const realm = realmOf(request);
  const { credential } = request;
  if (credential?.kind === 'identity-token') {
    return await readToken(
      request,
      await post(request, realm, { grant_type: 'refresh_token', refresh_token: credential.token }),
    );
  }
  const response = await get(request, realm);
  if (credential !== undefined && [404, 405].includes(response.status)) {
    response.discard();
    const { username, password } = credential;
    return await readToken(request, await post(request, realm, { grant_type: 'password', username, password }));
  }
  return await readToken(request, response);
}

/** The realm, when it may have the credential: over https, on the registry's own host, or on this machine. */
function realmOf({ challenge, registry, credential }: TokenRequest): URL {
  const named = challenge.parameters['realm'] ?? '';
  const realm = named === '' ? null : URL.parse(named, registry.href);
  if (realm === null || !['http:', 'https:'].includes(realm.protocol)) {
    throw new RegistryError(
      'ERR_BOX_REGISTRY_PROTOCOL',
      `cannot log in to ${registry.host}: its challenge names no realm to get a token from`,
      { url: registry },
    );
  }
  realm.username = '';
  realm.password = '';
  const own = realm.hostname === registry.hostname && (registry.protocol === 'http:' || realm.protocol === 'https:');
  if (credential === undefined || realm.protocol === 'https:' || own || isLoopback(realm.hostname)) return realm;
  throw new RegistryError(
    'ERR_BOX_REGISTRY_UNAUTHORIZED',
    `cannot log in to ${registry.host}: it wants the credential sent to ${redactUrl(realm)}, unencrypted and on another host`,
    {
      url: registry,
      hint: 'Run box logout for this registry to go on without a credential.',
    },
  );
}

function scopesOf({ challenge, scope, always }: TokenRequest): readonly string[] {
  const asked = challenge.parameters['scope'];
  const said = asked === undefined || asked === '' ? scope : always === true ? `${scope} ${asked}` : asked;
  return mergeScopes(said.split(' ').filter((part) => part !== ''));
}

async function get(request: TokenRequest, realm: URL): Promise<HttpResponse> {
  const { challenge, credential, transport, signal } = request;
  const url = new URL(realm);
  const service = challenge.parameters['service'];
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopesOf(request)) url.searchParams.append('scope', scope);
  const headers: Record<string, string> = { accept: 'application/json' };
  if (credential?.kind === 'password') {
    url.searchParams.set('account', credential.username);
    headers['authorization'] = basic(credential.username, credential.password);
  }
  return await follow(transport, { method: 'GET', url, headers, signal });
}

/** A GET over redirects, which are for everybody: the credential goes no further than to the realm's own origin. */
async function follow(transport: Transport, request: HttpRequest): Promise<HttpResponse> {
  const { authorization: _own, ...others } = request.headers;
  let { url } = request;
  for (let hops = 0; hops <= redirectLimit; hops++) {
    const headers = url.origin === request.url.origin ? request.headers : others;
    const response = await transport.send({ ...request, url, headers });
    if (!isRedirect(response)) return response;
    response.discard();
    url = redirectTarget(response);
  }
  throw tooManyRedirects(request.url);
}

async function post(request: TokenRequest, realm: URL, grant: Readonly<Record<string, string>>): Promise<HttpResponse> {
  const { challenge, transport, signal } = request;
  const body = new URLSearchParams({ ...grant, client_id: 'box', scope: scopesOf(request).join(' ') });
  const service = challenge.parameters['service'];
  if (service !== undefined) body.set('service', service);
  const text = body.toString();
  return await transport.send({
    method: 'POST',
    url: realm,
    headers: {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': String(Buffer.byteLength(text)),
    },
    body: text,
    signal,
  });
}

async function readToken({ registry, signal }: TokenRequest, response: HttpResponse): Promise<string> {
  const what = `get a token for ${registry.host}`;
  if (response.status !== 200) throw await responseError(what, response);
  const bytes = await readSmall(response, signal);
  if (bytes === undefined) throw unreadable(what, response, `it is longer than ${tokenLimit} bytes`);
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw unreadable(what, response, 'it is not JSON');
  }
  const fields = (typeof body === 'object' && body !== null ? body : {}) as Readonly<Record<string, unknown>>;
  const token = [fields['token'], fields['access_token']].find((value) => typeof value === 'string' && value !== '');
  // A header value; anything else would let the realm write headers of its own.
  if (typeof token !== 'string' || !/^[\u0021-\u007E]+$/.test(token))
    throw unreadable(what, response, 'it holds no token');
  return token;
}

async function readSmall(response: HttpResponse, signal: AbortSignal): Promise<Uint8Array | undefined> {
  try {
    return await readBody(contentOf(response), tokenLimit);
  } catch (error) {
    if (signal.aborted || error instanceof BoxError) throw error;
    throw connectionError(response.url, error);
  }
}

function unreadable(what: string, response: HttpResponse, why: string): RegistryError {
  return new RegistryError(
    'ERR_BOX_REGISTRY_PROTOCOL',
    `cannot ${what}: ${redactUrl(response.url)} gave an answer that is no token: ${why}`,
    { url: response.url },
  );
}

/** The value of an Authorization header. RFC 7617. */
export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
