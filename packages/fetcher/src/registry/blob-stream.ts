import { BoxError, type Descriptor, type SourceStream } from '@boxkit/contracts';
import { acceptedManifests, documentKind, essence } from '@boxkit/manifest';
import { codingsOf, contentOf } from '../http/content-coding.ts';
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
  readonly body: AsyncIterable<Uint8Array>;
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
async function* from({ body, start }: OpenedBody, position: number): AsyncGenerator<Uint8Array> {
  let skip = position - start;
  for await (const chunk of body) {
    if (skip >= chunk.length) {
      skip -= chunk.length;
      continue;
    }
    yield skip === 0 ? chunk : chunk.subarray(skip);
    skip = 0;
  }
}

async function openAt(request: BlobRequest, position: number): Promise<OpenedBody> {
  return (await openRange(request, position)) ?? (await openWhole(request));
}

/**
 * Undefined when the answer is of no use, and all is to be asked for: 416, though the range is right by the descriptor
 * (a stale cache, a broken proxy); another range, or none that can be read; a part of a coded body.
 */
async function openRange(request: BlobRequest, position: number): Promise<OpenedBody | undefined> {
  if (position === 0) return undefined;
  const response = await ask(request, { range: `bytes=${position}-` });
  if (response.status === 200) return opened(request, response, 0);
  const start = response.status === 206 && codingsOf(response).length === 0 ? rangeStart(request, response) : undefined;
  if (start !== undefined && start <= position) return opened(request, response, start);
  if (response.status !== 206 && response.status !== 416) throw await responseError(request.what, response);
  response.discard();
  return undefined;
}

async function openWhole(request: BlobRequest): Promise<OpenedBody> {
  let response = await ask(request, {});
  if (response.status === 416) {
    // No range was asked for: who answers so (a stale cache, a broken proxy) may know better a moment later.
    response.discard();
    response = await ask(request, {});
  }
  if (response.status === 200 || (response.status === 206 && rangeStart(request, response) === 0)) {
    return opened(request, response, 0);
  }
  throw await responseError(request.what, response);
}

async function ask({ client, path, descriptor }: BlobRequest, headers: Record<string, string>): Promise<HttpResponse> {
  return await client.send('GET', path, { accept: acceptFor(descriptor), ...headers });
}

function opened(request: BlobRequest, response: HttpResponse, start: number): OpenedBody {
  const { size } = request.descriptor;
  // Some stores say that a layer is coded as gzip because it is a .tar.gz: then its length is the blob's own.
  const isCoded = codingsOf(response).length > 0 && Number(response.headers['content-length']) !== size;
  try {
    if (!isCoded) checkLength(request, response, size - start);
    return { response, body: isCoded ? contentOf(response) : response.body, start };
  } catch (error) {
    response.discard();
    throw error;
  }
}

// Some registries have an OCI manifest only for those who say that they read such.
function acceptFor({ mediaType }: Descriptor): string {
  return documentKind(essence(mediaType)) === undefined ? '*/*' : acceptedManifests.join(', ');
}

/** Where the range of a 206 starts; undefined when it does not say. RFC 9110, 14.4. */
function rangeStart(request: BlobRequest, response: HttpResponse): number | undefined {
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers['content-range'] ?? '');
  if (range === null) return undefined;
  const [, start, , total] = range;
  if (total !== '*') expectSize(request, response, Number(total));
  return Number(start);
}

function checkLength(request: BlobRequest, response: HttpResponse, expected: number): void {
  const header = response.headers['content-length'];
  if (header === undefined) return;
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
