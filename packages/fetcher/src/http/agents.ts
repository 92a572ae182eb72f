import type http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import type { Duplex } from 'node:stream';
import { RegistryError } from './errors.ts';
import { nodeHttp } from './node-http.ts';
import { redactUrl } from './redact.ts';
import { tappable } from './socket-tap.ts';

/** What TLS needs beyond the defaults, as PEM. */
export interface TlsOptions {
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  /** Accepts any certificate. Only from the config file, and warned of. */
  readonly insecure?: boolean;
}

// With two addresses for a name Node gives each 250 ms, too little for a connection across the world.
const shared = { keepAlive: true, maxSockets: 32, autoSelectFamilyAttemptTimeout: 3000 } as const;

/** An agent for `https:` or `http:`, straight or through a proxy. It keeps connections until destroyed. */
export function createAgent(protocol: string, proxy: URL | undefined, options: TlsOptions & Trust): http.Agent {
  if (protocol === 'http:')
    return tappable(proxy?.protocol === 'https:' ? new https.Agent(shared) : new (nodeHttp().Agent)(shared));
  const secure = { ...shared, ...tlsOptions(options) };
  return proxy === undefined ? tappable(new https.Agent(secure)) : new TunnelAgent(secure, proxy);
}

export interface Trust {
  /**
   * Trust what this machine trusts (its administrator added a company's CA there), besides what Node brings. Asked for
   * only when Node's own did not suffice: reading and parsing them takes some 50 ms.
   */
  readonly system?: boolean;
}

function tlsOptions(options: TlsOptions & Trust): tls.SecureContextOptions & { rejectUnauthorized?: boolean } {
  const { ca, certificate, key, insecure, system } = options;
  const more = [...(system === true ? tls.getCACertificates('system') : []), ...(ca === undefined ? [] : [ca])];
  return {
    ...(more.length === 0 ? {} : { ca: [...new Set([...tls.getCACertificates('default'), ...more])] }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
    ...(insecure === true ? { rejectUnauthorized: false } : {}),
  };
}

/** Reaches https servers through a proxy's CONNECT. RFC 9110, 9.3.6. */
class TunnelAgent extends https.Agent {
  readonly #proxy: URL;

  constructor(options: https.AgentOptions, proxy: URL) {
    super(options);
    this.#proxy = proxy;
  }

  override createConnection(
    options: https.RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const target = `${bracket(options.host ?? '')}:${options.port ?? 443}`;
    const request = (this.#proxy.protocol === 'https:' ? https : nodeHttp()).request({
      host: this.#proxy.hostname.replace(/^\[|\]$/g, ''),
      port: this.#proxy.port || (this.#proxy.protocol === 'https:' ? 443 : 80),
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...proxyAuthorization(this.#proxy) },
      agent: false,
      timeout: 30_000,
    });
    const fail = (error: Error): void => callback?.(error, undefined as unknown as Duplex);
    request.once('connect', (response, socket, head) => {
      if (response.statusCode !== 200) {
        socket.destroy();
        fail(refused(this.#proxy, target, response.statusCode ?? 0));
        return;
      }
      if (head.length > 0) socket.unshift(head);
      const secured = tls.connect({ ...(options as tls.ConnectionOptions), socket, host: options.host ?? '' });
      callback?.(null, secured);
    });
    request.once('timeout', () =>
      request.destroy(Object.assign(new Error('the proxy did not answer'), { code: 'ETIMEDOUT' })),
    );
    request.once('error', (error) => fail(unreachable(this.#proxy, error)));
    request.end();
    return undefined;
  }
}

/** The header that a proxy's user and password make; none when the URL has neither. */
export function proxyAuthorization(proxy: URL): Record<string, string> {
  if (proxy.username === '' && proxy.password === '') return {};
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

function bracket(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

function refused(proxy: URL, target: string, status: number): RegistryError {
  return new RegistryError(
    'ERR_BOX_REGISTRY_UNREACHABLE',
    `cannot reach ${target}: the proxy ${redactUrl(proxy)} answered ${status}`,
    {
      url: proxy,
      status,
      transient: status >= 500,
      ...(status === 407 ? { hint: 'The proxy wants a user and password: http://user:password@host:port.' } : {}),
    },
  );
}

function unreachable(proxy: URL, cause: Error): RegistryError {
  return new RegistryError(
    'ERR_BOX_REGISTRY_UNREACHABLE',
    `cannot reach the proxy ${redactUrl(proxy)}: ${cause.message}`,
    {
      url: proxy,
      cause,
      hint: 'Check HTTPS_PROXY, or the proxy in the config file; NO_PROXY excludes hosts.',
    },
  );
}
