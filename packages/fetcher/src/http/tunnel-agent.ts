import type https from 'node:https';
import type tls from 'node:tls';
import type { Duplex } from 'node:stream';
import { RegistryError } from './errors.ts';
import { nodeHttp, nodeHttps } from './node-http.ts';
import { redactUrl } from './redact.ts';

/** An agent that reaches https servers through a proxy's CONNECT. RFC 9110, 9.3.6. */
export function createTunnelAgent(options: https.AgentOptions, proxy: URL): https.Agent {
  const agent = new (nodeHttps().Agent)(options);
  agent.createConnection = (target, callback) => {
    connectThrough(proxy, target, callback);
    return undefined;
  };
  return agent;
}

function connectThrough(
  proxy: URL,
  options: https.RequestOptions,
  callback?: (error: Error | null, stream: Duplex) => void,
): void {
  const target = `${bracket(options.host ?? '')}:${options.port ?? 443}`;
  const request = (proxy.protocol === 'https:' ? nodeHttps() : nodeHttp()).request({
    host: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
    method: 'CONNECT',
    path: target,
    headers: { host: target, ...proxyAuthorization(proxy) },
    agent: false,
    timeout: 30_000,
  });
  const fail = (error: Error): void => callback?.(error, undefined as unknown as Duplex);
  request.once('connect', (response, socket, head) => {
    if (response.statusCode !== 200) {
      socket.destroy();
      fail(refused(proxy, target, response.statusCode ?? 0));
      return;
    }
    if (head.length > 0) socket.unshift(head);
    const secured = process
      .getBuiltinModule('node:tls')
      .connect({ ...(options as tls.ConnectionOptions), socket, host: options.host ?? '' });
    callback?.(null, secured);
  });
  request.once('timeout', () =>
    request.destroy(Object.assign(new Error('the proxy did not answer'), { code: 'ETIMEDOUT' })),
  );
  request.once('error', (error) => fail(unreachable(proxy, error)));
  request.end();
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
