import type { Digest } from '@boxkit/contracts';
import { RegistryError } from '../../http/errors.ts';
import type { StreamBody } from '../../http/exchange.ts';
import type { HttpResponse } from '../../http/transport.ts';
import type { RegistryClient } from '../client.ts';
import { pushError } from './push-error.ts';

/** One upload that a registry has opened: where its next request goes, and how much has arrived. */
export interface UploadSession {
  readonly location: URL;
  /** Bytes. */
  readonly offset: number;
  /** Bytes that every part but the last must have at least. */
  readonly minimum: number;
}

const octets = { 'content-type': 'application/octet-stream' };

/** Reads what a 202 says of a session. distribution-spec, "Pushing a blob in chunks". */
export function sessionOf(response: HttpResponse, what: string): UploadSession {
  const location = locationOf(response);
  if (location === undefined) {
    throw new RegistryError('ERR_BOX_REGISTRY_PROTOCOL', `cannot ${what}: the registry said no place to send it to`, {
      url: response.url,
      status: response.status,
    });
  }
  const minimum = Number(response.headers['oci-chunk-min-length'] ?? 0);
  return { location, offset: 0, minimum: Number.isSafeInteger(minimum) && minimum > 0 ? minimum : 0 };
}

/** Sends bytes from the session's offset on. */
export async function sendChunk(
  client: RegistryClient,
  session: UploadSession,
  body: StreamBody,
  what: string,
): Promise<UploadSession> {
  const end = session.offset + body.length;
  const headers = { ...octets, 'content-range': `${session.offset}-${end - 1}` };
  const response = await client.send('PATCH', session.location, headers, body);
  if (response.status < 200 || response.status >= 300) throw await pushError(what, response);
  response.discard();
  const arrived = arrivedBy(response) ?? end;
  if (arrived > end) throw confused(response, what, `it has ${arrived} bytes of ${end} that were sent`);
  // Said again and again it would be an upload without end.
  if (arrived <= session.offset) throw confused(response, what, `it took ${body.length} bytes and says that none came`);
  return { ...session, location: locationOf(response) ?? session.location, offset: arrived };
}

/** Closes a session; `body` is the whole blob where no part of it was sent before. */
export async function finish(
  client: RegistryClient,
  { location }: UploadSession,
  digest: Digest,
  body: StreamBody | undefined,
  what: string,
): Promise<void> {
  const url = new URL(location);
  // Appended as text: to parse and write the query anew may change what the registry has signed.
  url.search += `${url.search === '' ? '?' : '&'}digest=${encodeURIComponent(digest)}`;
  const headers = body === undefined ? { ...octets, 'content-length': '0' } : octets;
  const response = await client.send('PUT', url, headers, body);
  if (response.status < 200 || response.status >= 300) throw await pushError(what, response);
  response.discard();
  const received = response.headers['docker-content-digest'];
  if (typeof received !== 'string' || received === digest || !received.startsWith(digest.slice(0, 7))) return;
  throw confused(response, what, `it took it for ${received.slice(0, 140)}`);
}

/** Asks how much has arrived; undefined when the registry knows the session no more. */
export async function statusOf(client: RegistryClient, session: UploadSession): Promise<UploadSession | undefined> {
  const response = await client.send('GET', session.location);
  response.discard();
  if (response.status < 200 || response.status >= 300) return undefined;
  return { ...session, location: locationOf(response) ?? session.location, offset: arrivedBy(response) ?? 0 };
}

/** `0-N` is N + 1 bytes; but registries also write `0-0` for none, and one byte alone is soon sent again. */
function arrivedBy(response: HttpResponse): number | undefined {
  const end = /^(?:bytes[ =])?0-(\d{1,15})$/.exec(response.headers['range'] ?? '')?.[1];
  return end === undefined ? undefined : end === '0' ? 0 : Number(end) + 1;
}

/** Where the next request goes. A registry behind a proxy that ends TLS may not know that it is reached by https. */
function locationOf(response: HttpResponse): URL | undefined {
  const { location } = response.headers;
  const url = location === undefined ? null : URL.parse(location, response.url.href);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return undefined;
  if (url.hostname === response.url.hostname && response.url.protocol === 'https:' && url.protocol === 'http:') {
    url.protocol = 'https:';
    url.port = response.url.port;
  }
  url.username = '';
  url.password = '';
  return url;
}

function confused(response: HttpResponse, what: string, why: string): RegistryError {
  return new RegistryError('ERR_BOX_REGISTRY_PROTOCOL', `cannot ${what}: the registry says that ${why}`, {
    url: response.url,
    status: response.status,
    transient: true,
  });
}
