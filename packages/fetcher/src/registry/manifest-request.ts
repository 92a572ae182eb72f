import { createHash } from 'node:crypto';
import { BoxError, digestParts, isDigest, type Descriptor, type Digest } from '@boxkit/contracts';
import { acceptedManifests, documentKind, essence, isGeneric } from '@boxkit/manifest';
import { readBody } from '../http/body.ts';
import { contentOf } from '../http/content-coding.ts';
import { connectionError, RegistryError } from '../http/errors.ts';
import { redactUrl } from '../http/redact.ts';
import type { HttpResponse } from '../http/transport.ts';
import type { RegistryClient } from './client.ts';
import { quotaOf, responseError } from './response-error.ts';
import { retrying } from './retry.ts';

/** Bytes; distribution-spec, "Pushing Manifests": registries need not accept more. */
export const manifestLimit = 4 << 20;

const accept = acceptedManifests.join(', ');

export interface ReceivedManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** Gets a manifest by tag or digest, verified against the digest asked for, or else against Docker-Content-Digest. */
export async function getManifest(
  client: RegistryClient,
  repository: string,
  target: string,
  name: string,
): Promise<ReceivedManifest> {
  const what = `fetch the manifest of ${name}`;
  return await retrying(what, client, async () => {
    const response = await client.send('GET', manifestPath(repository, target), { accept });
    if (response.status !== 200) throw await responseError(what, response);
    const bytes = await readManifestBody(client, response, what);
    requireNoPage(client, response, bytes, what);
    tellQuota(client, response);
    const digest = verify(bytes, isDigest(target) ? target : undefined, response, what);
    return { bytes, descriptor: { mediaType: mediaTypeOf(response, bytes), digest, size: bytes.length } };
  });
}

/**
 * What a tag points to now, without its bytes: `missing` when there is no such tag, undefined when the registry does not
 * say it in a HEAD. Tried once: whoever needs to know for certain asks with getManifest.
 */
export async function headManifest(
  client: RegistryClient,
  repository: string,
  tag: string,
): Promise<Digest | 'missing' | undefined> {
  const response = await client.send('HEAD', manifestPath(repository, tag), { accept });
  response.discard();
  if (response.status === 404) return 'missing';
  const digest = response.headers['docker-content-digest'];
  return response.status === 200 && typeof digest === 'string' && isDigest(digest) ? digest : undefined;
}

function manifestPath(repository: string, target: string): string {
  return `${repository}/manifests/${target}`;
}

async function readManifestBody(client: RegistryClient, response: HttpResponse, what: string): Promise<Uint8Array> {
  const length = Number(response.headers['content-length'] ?? 0);
  let bytes: Uint8Array | undefined;
  try {
    bytes = length > manifestLimit ? undefined : await readBody(contentOf(response), manifestLimit);
  } catch (error) {
    if (client.signal.aborted || error instanceof BoxError) throw error;
    throw connectionError(response.url, error);
  }
  if (bytes !== undefined) return bytes;
  response.discard();
  throw new BoxError('ERR_BOX_BUDGET_EXCEEDED', `cannot ${what}: it is longer than ${manifestLimit} bytes`, {
    hint: 'No image has such a manifest; the server is broken, or no registry.',
    fields: { limit: manifestLimit, url: redactUrl(response.url) },
  });
}

/** What a captive portal says in the place of every server. */
function requireNoPage(client: RegistryClient, response: HttpResponse, bytes: Uint8Array, what: string): void {
  if (essence(response.headers['content-type'] ?? '') !== 'text/html' || bytes[0] === 0x7b) return;
  throw new RegistryError('ERR_BOX_REGISTRY_PROTOCOL', `cannot ${what}: ${client.host} answered with a web page`, {
    url: response.url,
    status: response.status,
    hint: 'Is it a registry? A network that wants you to log in to it first answers so for any server.',
  });
}

function verify(bytes: Uint8Array, asked: Digest | undefined, response: HttpResponse, what: string): Digest {
  const header = response.headers['docker-content-digest'];
  const claimed = typeof header === 'string' && isDigest(header) ? header : undefined;
  const expected = asked ?? claimed;
  const algorithm = expected === undefined ? 'sha256' : digestParts(expected).algorithm;
  const received = `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}` as Digest;
  if (expected === undefined || received === expected) return received;
  const asker = asked === undefined ? 'its Docker-Content-Digest is' : 'asked for';
  throw new RegistryError('ERR_BOX_DIGEST_MISMATCH', `cannot ${what}: ${asker} ${expected}, received ${received}`, {
    url: response.url,
    hint: 'Something between the registry and here changes what passes; try again, or another mirror.',
    fields: { expected, received },
  });
}

/** The Content-Type, or where that says nothing, what the document calls itself. */
function mediaTypeOf(response: HttpResponse, bytes: Uint8Array): string {
  const type = essence(response.headers['content-type'] ?? '');
  if (!isGeneric(type)) return type;
  try {
    const own = (JSON.parse(new TextDecoder().decode(bytes)) as { mediaType?: unknown } | null)?.mediaType;
    if (typeof own === 'string' && documentKind(own) !== undefined) return own;
  } catch {
    // The stage after this one says what is wrong with it, and where.
  }
  return type === '' ? 'application/json' : type;
}

function tellQuota(client: RegistryClient, response: HttpResponse): void {
  const quota = quotaOf(response);
  if (quota === undefined || !quota.startsWith('0 ')) return;
  client.emit({
    type: 'warning',
    code: 'quota-empty',
    message: `${client.host} will refuse the next pull: its quota has ${quota}`,
  });
}
