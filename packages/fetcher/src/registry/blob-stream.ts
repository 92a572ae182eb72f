import { BoxError, type Descriptor, type SourceStream } from '@boxkit/contracts';
import { acceptedManifests, documentKind, essence } from '@boxkit/manifest';
import { RegistryError } from '../http/errors.ts';
import type { HttpResponse } from '../http/transport.ts';
import type { RegistryClient } from './client.ts';
import { responseError } from './response-error.ts';
import { retrying, waitToRetry } from './retry.ts';

/** Failures of one blob after which we give up even though each try brought something. */
const failureLimit = 100;

/**
 * Opens a blob from `offset`, and goes on after each failure from what has arrived: with Range, or, where the registry
 * knows no Range, from the start with the known bytes skipped. Ends only when all bytes of the descriptor have come.
 */
export async function openBlob(
  client: RegistryClient,
  path: string,
  descriptor: Descriptor,
  offset: number,
): Promise<SourceStream> {
  const what = `fetch blob ${descriptor.digest} from ${client.host}`;
  const request = { client, path, descriptor, what };
  const opened = await retrying(what, client, () => openAt(request, offset));
  return { startedAt: offset, [Symbol.asyncIterator]: () => resume(request, offset, opened) };
}

interface BlobRequest {
  readonly client: RegistryClient;
  readonly path: string;
  readonly descriptor: Descriptor;
  readonly what: string;
}

interface OpenedBody {
  readonly response: HttpResponse;
  /** The offset of the body's first byte in the blob. */
  readonly start: number;
}

async function* resume(request: BlobRequest, offset: number, opened: OpenedBody): AsyncGenerator<Uint8Array> {
  const { client, descriptor, what } = request;
  let body: OpenedBody | undefined = opened;
  let position = offset;
  let attempt = 1;
  for (let failures = 0; ; failures++) {
    const before = position;
    try {
      body ??= await openAt(request, position);
      for await (const chunk of from(body, position)) {
        if (position + chunk.length > descriptor.size) throw tooLong(request, position + chunk.length);
        position += chunk.length;
        yield chunk;
      }
      if (position === descriptor.size) return;
      throw cutShort(request, body.response, position);
    } catch (error) {
      if (position > before) attempt = 1;
      if (failures >= failureLimit) throw error;
      await waitToRetry(what, error, attempt, client);
      attempt += 1;
      body = undefined;
    }
  }
}

/** The bytes of a body from `position` of the blob on. */
async function* from({ response, start }: OpenedBody, position: number): AsyncGenerator<Uint8Array> {
  let skip = position - start;
  for await (const chunk of response.body) {
    if (skip >= chunk.length) {
      skip -= chunk.length;
      continue;
    }
    yield skip === 0 ? chunk : chunk.subarray(skip);
    skip = 0;
  }
}

async function openAt(request: BlobRequest, position: number): Promise<OpenedBody> {
  const { client, path, descriptor, what } = request;
  const headers = { accept: acceptFor(descriptor) };
  let response = await client.send('GET', path, position > 0 ? { ...headers, range: `bytes=${position}-` } : headers);
  if (response.status === 416) {
    // The range is right by the descriptor; whoever answers does not know it (a stale cache, a broken proxy).
    response.discard();
    response = await client.send('GET', path, headers);
  }
  if (response.status !== 200 && response.status !== 206) throw await responseError(what, response);
  try {
    const start = response.status === 206 ? rangeStart(request, response, position) : 0;
    checkLength(request, response, descriptor.size - start);
    return { response, start };
  } catch (error) {
    response.discard();
    throw error;
  }
}

// Some registries have an OCI manifest only for those who say that they read such.
function acceptFor({ mediaType }: Descriptor): string {
  return documentKind(essence(mediaType)) === undefined ? '*/*' : acceptedManifests.join(', ');
}

/** Content-Range of a 206. RFC 9110, 14.4. */
function rangeStart(request: BlobRequest, response: HttpResponse, position: number): number {
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers['content-range'] ?? '');
  const start = Number(range?.[1] ?? Number.NaN);
  if (!(start <= position)) throw protocol(request, response, 'it answered another range than was asked for');
  const total = range?.[3];
  if (total !== undefined && total !== '*') expectSize(request, response, Number(total));
  return start;
}

function checkLength(request: BlobRequest, response: HttpResponse, expected: number): void {
  const header = response.headers['content-length'];
  if (header === undefined || response.headers['content-encoding'] !== undefined) return;
  // A range may be answered in part; a whole body may not.
  if (response.status === 206 && Number(header) <= expected) return;
  if (Number(header) !== expected) expectSize(request, response, Number(header) + request.descriptor.size - expected);
}

function expectSize({ descriptor, what }: BlobRequest, response: HttpResponse, received: number): void {
  if (received === descriptor.size) return;
  throw new RegistryError(
    'ERR_BOX_SIZE_MISMATCH',
    `cannot ${what}: its descriptor says ${descriptor.size} bytes, the answer has ${received}`,
    {
      url: response.url,
      status: response.status,
      transient: true,
      fields: { digest: descriptor.digest, expected: descriptor.size, received },
    },
  );
}

function cutShort({ descriptor, what }: BlobRequest, response: HttpResponse, position: number): RegistryError {
  return new RegistryError(
    'ERR_BOX_SIZE_MISMATCH',
    `cannot ${what}: its descriptor says ${descriptor.size} bytes, ${position} came`,
    {
      url: response.url,
      status: response.status,
      transient: true,
      fields: { digest: descriptor.digest, expected: descriptor.size, received: position },
    },
  );
}

function tooLong({ descriptor, what }: BlobRequest, received: number): BoxError {
  return new BoxError(
    'ERR_BOX_SIZE_MISMATCH',
    `cannot ${what}: its descriptor says ${descriptor.size} bytes, at least ${received} came`,
    {
      fields: { digest: descriptor.digest, expected: descriptor.size, received },
    },
  );
}

function protocol({ what }: BlobRequest, response: HttpResponse, why: string): RegistryError {
  return new RegistryError('ERR_BOX_REGISTRY_PROTOCOL', `cannot ${what}: ${why}`, {
    url: response.url,
    status: response.status,
    transient: true,
  });
}
