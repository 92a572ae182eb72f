import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildImage, buildLayer, seededRandom, temporaryDirectory } from '@boxkit/testkit';
import { pull } from '../pull.fixture.ts';

const random = seededRandom(3);
const noise = Array.from({ length: 20_000 }, () => String.fromCodePoint(33 + Math.floor(random() * 90))).join('');
const image = buildImage({ layers: [buildLayer([{ path: 'a', content: noise }])] });
const layer = image.layers[0];
const blobs = new Map<string, Uint8Array>(
  [image.config, ...image.layers].map(({ descriptor, bytes }) => [descriptor.digest, bytes]),
);

type Answer = (request: IncomingMessage, response: ServerResponse, body: Uint8Array) => void;
const resources = new AsyncDisposableStack();
/** What requests of a repository get in the place of a plain answer. */
const answers = new Map<string, Answer>();
const seen: { readonly url: string; readonly authorization: string | undefined }[] = [];
let host: string;

beforeAll(async () => {
  const server = createServer((request, response) => {
    const url = request.url ?? '';
    seen.push({ url, authorization: request.headers.authorization });
    const [, repository = '', kind, target = ''] = /^\/v2\/([^/]+)\/(manifests|blobs)\/(.+)$/.exec(url) ?? [];
    const body = kind === 'manifests' ? image.bytes : blobs.get(target);
    if (kind === 'manifests') response.setHeader('content-type', image.descriptor.mediaType);
    const token = /^\/token\/([^/?]+)/.exec(url)?.[1];
    if (token !== undefined) answers.get(`token/${token}`)?.(request, response, new Uint8Array());
    else if (body === undefined) response.writeHead(404).end();
    else (answers.get(`${repository}/${kind}`) ?? plain)(request, response, body);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  resources.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => resources.disposeAsync());

const plain: Answer = (_request, response, body) => response.end(body);

async function pulled(repository: string, options: Parameters<typeof pull>[2] = {}): Promise<string> {
  await using home = await temporaryDirectory('odd-answers');
  const { image: got } = await pull(home.path, `${host}/${repository}:v1`, options);
  return got.root.digest;
}

describe('a body that is coded for the way', () => {
  it.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['gzip, zstd', (bytes: Uint8Array) => zstdCompressSync(gzipSync(bytes))],
  ])('as %s is decoded, of manifests and blobs alike', async (coding, encode) => {
    const coded: Answer = (_request, response, body) =>
      response.setHeader('content-encoding', coding).end(encode(body));
    for (const kind of ['manifests', 'blobs']) answers.set(`coded/${kind}`, coded);
    expect(await pulled('coded')).toBe(image.descriptor.digest);
  });

  it('only in name is taken as it is', async () => {
    const named: Answer = (_request, response, body) =>
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': body.length }).end(body);
    answers.set('named/blobs', named);
    answers.set('named/manifests', (_request, response, body) =>
      response.setHeader('content-encoding', 'aws-chunked').end(body),
    );
    expect(await pulled('named')).toBe(image.descriptor.digest);
  });

  it('and is damaged, or longer than a manifest may be, is one clear error', async () => {
    answers.set('damaged/manifests', (_request, response, body) =>
      response.setHeader('content-encoding', 'gzip').end(gzipSync(body).subarray(0, -12)),
    );
    await expect(pulled('damaged')).rejects.toMatchObject({
      code: 'ERR_BOX_REGISTRY_PROTOCOL',
      message: expect.stringContaining('coded as gzip') as string,
    });
    answers.set('bomb/manifests', (_request, response) =>
      response.setHeader('content-encoding', 'gzip').end(gzipSync(Buffer.alloc(50_000_000))),
    );
    await expect(pulled('bomb')).rejects.toMatchObject({ code: 'ERR_BOX_BUDGET_EXCEEDED' });
  });
});

describe('a part of a blob', () => {
  const size = layer?.descriptor.size ?? 0;
  it.each<[string, Answer]>([
    [
      'that is another than was asked for',
      (_request, response, body) =>
        response.writeHead(206, { 'content-range': `bytes ${size - 1}-${size - 1}/${size}` }).end(body.subarray(-1)),
    ],
    ['that does not say which', (_request, response, body) => response.writeHead(206).end(body.subarray(100))],
    [
      'in several pieces',
      (_request, response) =>
        response.writeHead(206, { 'content-type': 'multipart/byteranges; boundary=x' }).end('--x\r\n'),
    ],
    [
      'that is coded',
      (_request, response, body) =>
        response
          .writeHead(206, { 'content-range': `bytes 100-${size - 1}/${size}`, 'content-encoding': 'gzip' })
          .end(gzipSync(body.subarray(100))),
    ],
  ])('%s is not used: all of it is asked for', async (_, part) => {
    let times = 0;
    answers.set('parts/blobs', (request, response, body) => {
      if (body.length !== size || times++ > 1) plain(request, response, body);
      else if (request.headers.range !== undefined) part(request, response, body);
      else response.writeHead(200, { 'content-length': size }).write(body.subarray(0, 100), () => response.destroy());
    });
    expect(await pulled('parts')).toBe(image.descriptor.digest);
    expect(times).toBe(3);
  });
});

describe('instead of an answer', () => {
  it.each<[string, Answer, object]>([
    [
      'a web page',
      (_request, response) => response.setHeader('content-type', 'text/html; charset=x').end('<html>Log in</html>'),
      { code: 'ERR_BOX_REGISTRY_PROTOCOL', message: expect.stringContaining('a web page') as string },
    ],
    [
      'a change of protocol',
      (request) => request.socket.end('HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n'),
      { code: 'ERR_BOX_REGISTRY_UNREACHABLE', message: expect.stringContaining('another protocol') as string },
    ],
    [
      'endless headers',
      (request) => request.socket.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(200_000)}`),
      { code: 'ERR_BOX_REGISTRY_UNREACHABLE', message: expect.stringContaining('headers') as string },
    ],
  ])('%s is one error, at once', async (_, answer, error) => {
    answers.set('instead/manifests', answer);
    const before = seen.length;
    await expect(pulled('instead')).rejects.toMatchObject(error);
    expect(seen.length - before).toBe(1);
  });
});

describe('a realm', () => {
  const challenged =
    (challenge: string): Answer =>
    (request, response, body) =>
      request.headers.authorization === 'Bearer right'
        ? plain(request, response, body)
        : response.writeHead(401, { 'www-authenticate': challenge }).end();
  const give: Answer = (_request, response) => response.end('{"token":"right","expires_in":0}');

  it.each([
    ['without quotes', () => `Bearer realm=http://${host}/token/give,service=s`],
    ['that is relative', () => 'Bearer realm="/token/give",service=s'],
    ['after a challenge of another kind', () => `Negotiate YIIabc==, Bearer realm="http://${host}/token/give"`],
    ['that redirects', () => `Bearer realm="http://${host}/token/away"`],
  ])('%s gives a token', async (_, challenge) => {
    answers.set('token/give', give);
    answers.set('token/away', (_request, response) => response.writeHead(307, { location: '../token/give' }).end());
    answers.set('realm/manifests', challenged(challenge()));
    expect(await pulled('realm')).toBe(image.descriptor.digest);
  });

  it('that redirects to another origin does not take the credential there', async () => {
    const elsewhere = host.replace('127.0.0.1', 'localhost');
    answers.set('token/give', give);
    answers.set('token/out', (_request, response) =>
      response.writeHead(302, { location: `http://${elsewhere}/token/give` }).end(),
    );
    answers.set('secret/manifests', challenged(`Bearer realm="http://${host}/token/out"`));
    const findCredential = async () => ({ kind: 'password', username: 'me', password: 'secret' }) as const;
    const before = seen.length;
    expect(await pulled('secret', { findCredential })).toBe(image.descriptor.digest);
    const asked = seen.slice(before).filter(({ url }) => url.startsWith('/token/'));
    expect(asked.map(({ url, authorization }) => [url.split('?')[0], authorization?.split(' ')[0]])).toEqual([
      ['/token/out', 'Basic'],
      ['/token/give', undefined],
    ]);
  });

  it('that is missing, or circles, is one error', async () => {
    answers.set('token/round', (_request, response) => response.writeHead(307, { location: '/token/round' }).end());
    for (const challenge of ['Bearer service="s"', `Bearer realm="http://${host}/token/round"`]) {
      answers.set('lost/manifests', challenged(challenge));
      await expect(pulled('lost')).rejects.toMatchObject({ code: 'ERR_BOX_REGISTRY_PROTOCOL' });
    }
  });
});
