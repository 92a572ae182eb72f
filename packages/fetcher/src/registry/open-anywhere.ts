import { BoxError, type Descriptor, type SourceStream } from '@boxkit/contracts';
import { RegistryError } from '../http/errors.ts';
import { redactUrl } from '../http/redact.ts';
import { openBlob } from './blob-stream.ts';
import type { RegistryClient } from './client.ts';

export interface WantedBlob {
  /** To be asked in this order. */
  readonly clients: readonly RegistryClient[];
  /** Below their bases. */
  readonly path: string;
  readonly descriptor: Descriptor;
  /** Makes a client without credentials for another place. */
  readonly foreign: (url: URL) => RegistryClient;
}

/**
 * Opens a blob at the first client that has it; when that one fails in the middle, the next goes on from there. What none
 * of them has is looked for at the `urls` of its descriptor (OCI image-spec, descriptor.md).
 */
export async function openAnywhere(wanted: WantedBlob, offset: number): Promise<SourceStream> {
  const { clients, path, descriptor } = wanted;
  const [client, ...others] = clients;
  if (client === undefined)
    throw new BoxError('ERR_BOX_INTERNAL', `cannot fetch ${descriptor.digest} without any endpoint`);
  if (others.length === 0) return await openHereOrForeign(client, wanted, offset);
  let stream: SourceStream;
  try {
    stream = await openBlob(client, path, descriptor, offset);
  } catch (error) {
    mirrorFailed(client, error, client.signal);
    return await openAnywhere({ ...wanted, clients: others }, offset);
  }
  return { startedAt: offset, [Symbol.asyncIterator]: goOn };

  async function* goOn(): AsyncGenerator<Uint8Array> {
    let position = offset;
    try {
      for await (const chunk of stream) {
        position += chunk.length;
        yield chunk;
      }
    } catch (error) {
      if (client === undefined) throw error;
      mirrorFailed(client, error, client.signal);
      yield* await openAnywhere({ ...wanted, clients: others }, position);
    }
  }
}

/** Says that one of several endpoints was of no use; rethrows what is no fault of the endpoint's. */
export function mirrorFailed(client: RegistryClient, error: unknown, signal: AbortSignal): void {
  if (signal.aborted || !(error instanceof BoxError)) throw error;
  client.emit({
    type: 'warning',
    code: 'mirror-failed',
    message: `going past the mirror ${client.host}: ${error.message}`,
  });
}

async function openHereOrForeign(
  client: RegistryClient,
  { path, descriptor, foreign }: WantedBlob,
  offset: number,
): Promise<SourceStream> {
  try {
    return await openBlob(client, path, descriptor, offset);
  } catch (error) {
    if (!(error instanceof RegistryError) || error.status !== 404) throw error;
    for (const text of descriptor.urls ?? []) {
      const url = URL.parse(text);
      if (url === null || !['http:', 'https:'].includes(url.protocol)) continue;
      try {
        return await openBlob(foreign(url), url.href, descriptor, offset);
      } catch (failure) {
        if (client.signal.aborted || !(failure instanceof BoxError)) throw failure;
        const message = `${descriptor.digest} is not at ${redactUrl(url)}: ${failure.message}`;
        client.emit({ type: 'warning', code: 'foreign-layer', message });
      }
    }
    throw error;
  }
}
