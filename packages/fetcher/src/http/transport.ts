import type http from 'node:http';
import type https from 'node:https';
import { createAgent, type TlsOptions } from './agents.ts';
import { codeOf, connectionError } from './errors.ts';
import { proxyAuthorization } from './tunnel-agent.ts';
import { bodyOf } from './body.ts';
import { BodyFailure, exchange } from './exchange.ts';
import type { StreamBody } from './exchange.ts';
import { speaksTls } from './tls-probe.ts';

export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface HttpRequest {
  readonly method: HttpMethod;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | StreamBody;
  readonly signal: AbortSignal;
}

export interface HttpResponse {
  readonly url: URL;
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** The body, to be read once; leaving the loop early closes the connection. Errors are RegistryErrors. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends a response whose body nobody wants. */
  discard(): void;
}

export interface TransportOptions {
  readonly tls?: (url: URL) => TlsOptions;
  /** The proxy for a URL, or undefined for a straight connection. */
  readonly proxy?: (url: URL) => URL | undefined;
  /** Milliseconds without a byte, or without an answer, before a connection counts as dead. Default 60 000. */
  readonly idleTimeout?: number;
  readonly userAgent?: string;
}

/** Sends single requests, without redirects and retries, over connections that it keeps until disposed. */
export interface Transport extends AsyncDisposable {
  send(request: HttpRequest): Promise<HttpResponse>;
  /** Whether TLS is spoken where a URL points to; undefined when that cannot be told without a request. */
  speaksTls(url: URL, signal: AbortSignal): Promise<boolean | undefined>;
}

export function createTransport(options: TransportOptions = {}): Transport {
  const agents = new Map<string, http.Agent>();
  const widened = new Set<string>();
  const idleTimeout = options.idleTimeout ?? 60_000;

  function agentFor(url: URL, proxy: URL | undefined): http.Agent {
    const key = `${url.origin} ${proxy?.href ?? ''}`;
    const known = agents.get(key);
    if (known !== undefined) return known;
    const agent = createAgent(url.protocol, proxy, { ...options.tls?.(url), system: widened.has(url.origin) });
    agents.set(key, agent);
    return agent;
  }

  /** Whether trusting what the machine trusts is still to be tried for a server that failed. */
  function widen(url: URL, proxy: URL | undefined, error: unknown): boolean {
    if (!distrust.has(codeOf(error)) || widened.has(url.origin)) return false;
    widened.add(url.origin);
    const key = `${url.origin} ${proxy?.href ?? ''}`;
    agents.get(key)?.destroy();
    agents.delete(key);
    return true;
  }

  async function send(request: HttpRequest): Promise<HttpResponse> {
    const { url, signal, method } = request;
    signal.throwIfAborted();
    const proxy = options.proxy?.(url);
    const target = targetOf(url, proxy);
    const headers = {
      'user-agent': options.userAgent ?? 'box/0.1',
      'accept-encoding': 'identity',
      ...request.headers,
      ...target.headers,
    };
    try {
      const outgoing = { ...target, method, agent: agentFor(url, proxy), headers, signal };
      const response = await exchange(outgoing, request.body, idleTimeout);
      return {
        url,
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: bodyOf(response, url, signal, idleTimeout),
        discard: () => discard(response, method === 'HEAD'),
      };
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof BodyFailure) throw error.cause;
      if (widen(url, proxy, error)) return await send(request);
      throw connectionError(url, error);
    }
  }

  return {
    send,
    async speaksTls(url, signal) {
      if (options.proxy?.(url) !== undefined) return undefined;
      return await speaksTls(withoutBrackets(url.hostname), Number(url.port) || 443, signal);
    },
    async [Symbol.asyncDispose]() {
      for (const agent of agents.values()) agent.destroy();
      agents.clear();
      await Promise.resolve();
    },
  };
}

// A handshake that failed for these reasons sent nothing of the request.
const distrust: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);

type Target = Omit<https.RequestOptions, 'headers'> & { readonly headers: Record<string, string> };

// Plain HTTP goes through a proxy as a request for the whole URL; https goes through the agent's tunnel.
function targetOf(url: URL, proxy: URL | undefined): Target {
  const { protocol, hostname, port, pathname, search, host } = url;
  const path = `${pathname}${search}`;
  if (proxy === undefined || protocol === 'https:') {
    return { protocol, hostname: withoutBrackets(hostname), port, path, headers: { host } };
  }
  return {
    protocol: proxy.protocol,
    hostname: withoutBrackets(proxy.hostname),
    port: proxy.port,
    path: `${protocol}//${host}${path}`,
    headers: { host, ...proxyAuthorization(proxy) },
  };
}

function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/** A short rest is read so that the connection can serve again; a long one is not worth it. */
function discard(response: http.IncomingMessage, empty: boolean): void {
  const length = Number(response.headers['content-length'] ?? Number.NaN);
  if (empty || length <= 65_536) response.resume();
  else response.destroy();
}
