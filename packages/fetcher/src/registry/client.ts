import type { BoxEvent } from '@boxkit/contracts';
import { codeOf, RegistryError } from '../http/errors.ts';
import { isLoopback } from '../http/proxy.ts';
import type { StreamBody } from '../http/exchange.ts';
import type { HttpMethod, HttpResponse, Transport } from '../http/transport.ts';
import type { Authorizer } from './authorizer.ts';
import { isRedirect, redirectLimit, redirectTarget, tooManyRedirects } from './redirect.ts';
import type { RetryContext, RetryOptions } from './retry.ts';

export interface ClientOptions {
  readonly transport: Transport;
  /** The base URL, which ends in `/v2/`. */
  readonly base: URL;
  /** Makes the authorizer for the base that is in use. */
  readonly authorizer: (base: URL) => Authorizer;
  /** Whether plain HTTP may be tried when https is refused: for this machine only. */
  readonly fallBackToHttp: boolean;
  readonly signal: AbortSignal;
  readonly emit: (event: BoxEvent) => void;
  readonly retry: Required<RetryOptions>;
}

/** Speaks to one registry: with authorization, over redirects, without retries. */
export interface RegistryClient extends RetryContext {
  /** Host and port, for messages. */
  readonly host: string;
  /** The same client, its requests ended by another signal. */
  scoped(signal: AbortSignal): RegistryClient;
  /** `path` is below the base, or a URL. The credential goes with it to the registry's own origin alone. */
  send(
    method: HttpMethod,
    path: string | URL,
    headers?: Readonly<Record<string, string>>,
    body?: string | StreamBody,
  ): Promise<HttpResponse>;
}

export function createClient(options: ClientOptions): RegistryClient {
  const { transport, emit, retry } = options;
  let base = options.base;
  let authorizer = options.authorizer(base);
  let settled = !options.fallBackToHttp || base.protocol === 'http:';

  async function send(request: ClientRequest): Promise<HttpResponse> {
    if (!settled && isLoopback(base.hostname) && (await transport.speaksTls(base, request.signal)) === false)
      usePlain();
    for (let refreshes = 0; ; refreshes++) {
      const used = authorizer.header();
      const response = await follow(request, used);
      if (response.status !== 401 || response.url.origin !== base.origin || refreshes === 2) return response;
      if (!(await authorizer.answer(await challenged(response, request.signal), used))) return response;
      response.discard();
    }
  }

  /** Some registries send the challenge only with an answer to the ping. */
  async function challenged(response: HttpResponse, signal: AbortSignal): Promise<HttpResponse> {
    if (response.headers['www-authenticate'] !== undefined) return response;
    const ping = await transport.send({ method: 'GET', url: base, headers: {}, signal });
    ping.discard();
    return ping;
  }

  async function follow(request: ClientRequest, authorization: string | undefined): Promise<HttpResponse> {
    const { path } = request;
    let url = new URL(path, base);
    for (let hops = 0; hops <= redirectLimit; hops++) {
      // The credential belongs to the registry's origin; blob stores elsewhere have their own right in the URL.
      const own: Record<string, string> =
        url.origin === base.origin && authorization !== undefined ? { authorization } : {};
      const sent = { ...request, headers: { ...request.headers, ...own } };
      const response = hops === 0 ? await first(sent) : await transport.send({ ...sent, url });
      if (!isRedirect(response)) return response;
      const reads = request.method === 'GET' || request.method === 'HEAD';
      // The others would have to become a GET (RFC 9110, 15.4), which writes nothing.
      if (!reads && ![307, 308].includes(response.status)) return response;
      response.discard();
      url = redirectTarget(response);
    }
    throw tooManyRedirects(new URL(path, base));
  }

  /** The first answer decides whether a registry on this machine speaks https or plain HTTP. */
  async function first(request: ClientRequest): Promise<HttpResponse> {
    const used = base;
    try {
      const response = await transport.send({ ...request, url: new URL(request.path, used) });
      settled = true;
      return response;
    } catch (error) {
      // Another request may have found it out while this one was on its way.
      const moved = base.protocol !== used.protocol;
      if ((settled && !moved) || !isLoopback(used.hostname) || !speaksNoTls(error)) throw error;
      const response = await transport.send({ ...request, url: new URL(request.path, plainOf(used)) });
      usePlain();
      return response;
    }
  }

  function usePlain(): void {
    settled = true;
    if (base.protocol === 'http:') return;
    base = plainOf(base);
    authorizer = options.authorizer(base);
  }

  const scoped = (signal: AbortSignal): RegistryClient => ({
    host: base.host,
    signal,
    emit,
    retry,
    scoped,
    send: (method, path, headers = {}, body) =>
      send({ method, path, headers, signal, ...(body !== undefined && { body }) }),
  });

  return scoped(options.signal);
}

interface ClientRequest {
  readonly method: HttpMethod;
  readonly path: string | URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | StreamBody;
  readonly signal: AbortSignal;
}

function plainOf(url: URL): URL {
  const plain = new URL(url);
  plain.protocol = 'http:';
  return plain;
}

function speaksNoTls(error: unknown): boolean {
  const code = error instanceof RegistryError ? codeOf(error.cause) : '';
  return [
    'ECONNREFUSED',
    'EPROTO',
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'ERR_SSL_PACKET_LENGTH_TOO_LONG',
    'ECONNRESET',
  ].includes(code);
}
