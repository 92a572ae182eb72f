import { createServer, request as httpRequest, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  buildImage,
  buildLayer,
  pushDocument,
  startRegistry,
  temporaryDirectory,
  type Registry,
} from '@boxkit/testkit';
import { pull, quick } from '../pull.fixture.ts';
import { environmentProxy, isLoopback, parseProxy } from './proxy.ts';

describe('environmentProxy', () => {
  const proxied = (url: string, env: Record<string, string>) => environmentProxy(new URL(url), env)?.href;
  const both = { HTTP_PROXY: 'http://plain:1', HTTPS_PROXY: 'secure:2' };

  it('takes the proxy of the scheme, in either case, its scheme optional', () => {
    expect(proxied('http://q.io/', both)).toBe('http://plain:1/');
    expect(proxied('https://q.io/', both)).toBe('http://secure:2/');
    expect(proxied('https://q.io/', { https_proxy: 'http://low:3' })).toBe('http://low:3/');
    expect(proxied('https://q.io/', {})).toBeUndefined();
    expect(proxied('https://q.io/', { HTTPS_PROXY: '' })).toBeUndefined();
  });

  it.each([
    'http://localhost:5000/',
    'http://127.0.0.1/',
    'https://127.9.9.9:1/',
    'http://[::1]:5000/',
    'http://a.localhost/',
  ])('never goes through one to %s', (url) => {
    expect(proxied(url, both)).toBeUndefined();
  });

  // golang.org/x/net/http/httpproxy, proxy_test.go.
  it.each([
    ['*', 'https://q.io/', true],
    ['q.io', 'https://q.io/', true],
    ['q.io', 'https://sub.q.io/', true],
    ['.q.io', 'https://sub.q.io/', true],
    ['.q.io', 'https://q.io/', false],
    ['*.q.io', 'https://sub.q.io/', true],
    ['q.io', 'https://notq.io/', false],
    ['q.io:443', 'https://q.io/', true],
    ['q.io:444', 'https://q.io/', false],
    [' a.io , Q.IO ', 'https://q.io/', true],
    ['10.1.2.3', 'https://10.1.2.3/', true],
    ['10.0.0.0/8', 'https://10.1.2.3/', true],
    ['10.0.0.0/8', 'https://11.1.2.3/', false],
    ['10.0.0.0/99', 'https://10.1.2.3/', false],
    ['2001:db8::/32', 'https://[2001:db8::5]/', true],
    ['[2001:db8::5]:443', 'https://[2001:db8::5]/', true],
  ])('with NO_PROXY=%s, %s is excluded: %s', (list, url, excluded) => {
    expect(proxied(url, { ...both, NO_PROXY: list }) === undefined).toBe(excluded);
  });

  it('refuses nonsense without quoting it', () => {
    const secret = 'ftp://user:secret@host';
    expect(() => parseProxy(secret, 'HTTPS_PROXY')).toThrow(
      expect.objectContaining({ code: 'ERR_BOX_CONFIG_INVALID', message: expect.not.stringContaining('secret') }),
    );
  });

  it('knows this machine by its names', () => {
    expect(['localhost', '127.0.0.53', '[::1]'].map(isLoopback)).toEqual([true, true, true]);
    expect(['localhost.io', '128.0.0.1', '127.0.0.1.nip.io'].map(isLoopback)).toEqual([false, false, false]);
  });
});

describe('a pull through a proxy', () => {
  const image = buildImage({ layers: [buildLayer([{ path: 'a', content: 'a' }])] });
  const resources = new AsyncDisposableStack();
  let plain: Registry;
  let secure: Registry;
  let proxy: Server;
  let asked: { method: string; target: string; authorization: string | undefined }[];

  beforeAll(async () => {
    plain = resources.use(await startRegistry());
    secure = resources.use(await startRegistry({ tls: true }));
    for (const registry of [plain, secure]) await pushDocument(registry, 'some/app', image, '1');
    proxy = await startProxy();
  });
  afterAll(async () => {
    proxy.close();
    proxy.closeAllConnections();
    await resources.disposeAsync();
  });
  beforeEach(() => {
    asked = [];
  });

  /** A forward proxy that sends whatever it is asked for to the registries here. */
  async function startProxy(): Promise<Server> {
    const server = createServer((incoming, outgoing) => {
      const url = new URL(incoming.url ?? '');
      asked.push({
        method: incoming.method ?? '',
        target: url.host,
        authorization: incoming.headers['proxy-authorization'],
      });
      const onward = httpRequest(
        `${plain.url}${url.pathname}`,
        { headers: { accept: incoming.headers.accept ?? '*/*' } },
        (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(outgoing);
        },
      );
      onward.end();
    });
    server.on('connect', (incoming, client: Socket, head: Buffer) => {
      asked.push({
        method: 'CONNECT',
        target: incoming.url ?? '',
        authorization: incoming.headers['proxy-authorization'],
      });
      if (incoming.url?.startsWith('forbidden') === true) {
        client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
        return;
      }
      const onward = connect(secure.port, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        onward.write(head);
        onward.pipe(client).pipe(onward);
      });
      onward.on('error', () => client.destroy());
      client.on('error', () => onward.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  const address = (): string => `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const fetchThrough = async (reference: string, options: object) => {
    await using home = await temporaryDirectory('proxy');
    return await pull(home.path, reference, { ...quick, ...options });
  };

  it('asks for whole URLs over plain HTTP', async () => {
    const { image: pulled } = await fetchThrough('registry.test/some/app:1', {
      env: { HTTP_PROXY: `http://me:p%40ss@${address()}` },
      registries: { 'registry.test': { http: true } },
    });
    expect(pulled.manifest.digest).toBe(image.descriptor.digest);
    expect(asked[0]).toEqual({
      method: 'GET',
      target: 'registry.test',
      authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}`,
    });
  });

  it('makes a tunnel for https, inside which TLS checks the registry', async () => {
    const ca = readFileSync(secure.authority?.certificate ?? '', 'utf8');
    const tls = { ca };
    // The certificate is for `localhost`; the config sends even this machine through the proxy.
    await fetchThrough(`localhost:${secure.port}/some/app:1`, {
      registries: { [`localhost:${secure.port}`]: { tls, proxy: new URL(`http://${address()}`) } },
    });
    expect(asked[0]).toMatchObject({ method: 'CONNECT', target: `localhost:${secure.port}` });
    await expect(
      fetchThrough('registry.test/some/app:1', {
        env: { HTTPS_PROXY: address() },
        registries: { 'registry.test': { tls } },
      }),
    ).rejects.toThrow(
      expect.objectContaining({
        code: 'ERR_BOX_REGISTRY_UNREACHABLE',
        message: expect.stringContaining('not for registry.test'),
      }),
    );
  });

  it('says when the proxy refuses, or is not there', async () => {
    await expect(fetchThrough('forbidden.test/some/app:1', { env: { HTTPS_PROXY: address() } })).rejects.toThrow(
      expect.objectContaining({
        code: 'ERR_BOX_REGISTRY_UNREACHABLE',
        message: expect.stringContaining('answered 407'),
      }),
    );
    await expect(
      fetchThrough('registry.test/some/app:1', { env: { HTTPS_PROXY: 'http://user:secret@127.0.0.1:9' } }),
    ).rejects.toThrow(
      expect.objectContaining({
        code: 'ERR_BOX_REGISTRY_UNREACHABLE',
        message: expect.stringMatching(/^cannot reach the proxy http:\/\/127\.0\.0\.1:9\/: /),
      }),
    );
  });
});
