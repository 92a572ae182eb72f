import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import type { Registry } from '../registry/registry.ts';
import type { BuiltDocument } from './image.ts';

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Pushes a document and all below it; the root gets `tag` when one is named. For registries without tokens. */
export async function pushDocument(
  registry: Registry,
  repository: string,
  document: BuiltDocument,
  tag?: string,
): Promise<void> {
  for (const blob of document.blobs) await pushBlob(registry, repository, blob.bytes, blob.descriptor.digest);
  for (const child of document.documents) await pushDocument(registry, repository, child);
  const path = `/v2/${repository}/manifests/${tag ?? document.descriptor.digest}`;
  const headers = { 'content-type': document.descriptor.mediaType };
  expectStatus(await send(registry, { method: 'PUT', path, headers, body: document.bytes }), 201);
}

/** Pushes one blob, in one piece. */
export async function pushBlob(
  registry: Registry,
  repository: string,
  bytes: Uint8Array,
  digest: string,
): Promise<void> {
  const begun = await send(registry, { method: 'POST', path: `/v2/${repository}/blobs/uploads/` });
  expectStatus(begun, 202);
  const location = new URL(begun.headers.location ?? '', registry.url);
  location.searchParams.set('digest', digest);
  const headers = { 'content-type': 'application/octet-stream' };
  const path = `${location.pathname}${location.search}`;
  expectStatus(await send(registry, { method: 'PUT', path, headers, body: bytes }), 201);
}

function send(
  registry: Registry,
  request: {
    readonly method: string;
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: Uint8Array;
  },
): Promise<Answer> {
  const authority = registry.authority?.certificate;
  const begin = registry.url.startsWith('https:') ? httpsRequest : httpRequest;
  const basic = Buffer.from(`${registry.username}:${registry.password}`).toString('base64');
  return new Promise((resolve, reject) => {
    const outgoing = begin(new URL(request.path, registry.url), {
      method: request.method,
      headers: {
        'content-length': request.body?.length ?? 0,
        authorization: `Basic ${basic}`,
        ...request.headers,
      },
      ...(authority === undefined ? {} : { ca: readFileSync(authority) }),
    });
    outgoing.once('error', reject);
    outgoing.once('response', (incoming) => {
      text(incoming).then((body) => {
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body });
      }, reject);
    });
    outgoing.end(request.body);
  });
}

function expectStatus(answer: Answer, status: number): void {
  if (answer.status !== status) throw new Error(`the registry answered ${answer.status}: ${answer.body}`);
}
