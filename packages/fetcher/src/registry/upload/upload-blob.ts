import type { Descriptor, OutgoingImage } from '@boxkit/contracts';
import { createProgress } from '../../blobs/progress.ts';
import { RegistryError } from '../../http/errors.ts';
import type { StreamBody } from '../../http/exchange.ts';
import type { RegistryClient } from '../client.ts';
import { retrying, waitToRetry } from '../retry.ts';
import { openUpload, type MountFrom } from './open-upload.ts';
import { finish, sendChunk, statusOf, type UploadSession } from './upload-session.ts';

/** Failures of one blob after which we give up even though each try brought something. */
const failureLimit = 100;

export interface BlobUpload {
  readonly client: RegistryClient;
  readonly repository: string;
  readonly image: OutgoingImage;
  readonly descriptor: Descriptor;
  /** Repositories of the same registry that have the blob. */
  readonly mountFrom: MountFrom;
  /** Bytes of a part: what is sent again at most when a registry keeps nothing of a part that was cut off. */
  readonly partSize: number;
}

/**
 * Brings one blob into a repository, unless it is there or can be mounted. A long one goes in parts (POST, PATCH, PUT), and
 * goes on where it was after a failure, as far as the registry knows; a registry that takes no parts gets it in one piece.
 * distribution-spec, "Pushing blobs".
 */
export async function uploadBlob(upload: BlobUpload): Promise<void> {
  const { client, descriptor, partSize } = upload;
  const progress = createProgress(descriptor, (event) => client.emit(event));
  const what = `push blob ${descriptor.digest} to ${client.host}`;
  if (await retrying(what, client, () => isThere(upload))) {
    progress.tell(descriptor.size, 'present');
    return;
  }
  let mode: 'parts' | 'whole' = descriptor.size > partSize ? 'parts' : 'whole';
  let session: UploadSession | undefined;
  let best = 0;
  for (let failures = 0, attempt = 1; ; failures++) {
    try {
      if (session === undefined) {
        const opened = await openUpload(upload, failures === 0, what);
        if (opened === 'mounted') {
          progress.tell(descriptor.size, 'present');
          return;
        }
        session = opened;
        progress.tell(0, 'source');
      }
      await send(session);
      progress.advance(descriptor.size, 'source');
      return;
    } catch (error) {
      if (mode === 'parts' && refusesParts(error)) {
        mode = 'whole';
        session = undefined;
        continue;
      }
      if ((session?.offset ?? 0) > best) attempt = 1;
      best = Math.max(best, session?.offset ?? 0);
      if (failures >= failureLimit) throw error;
      await waitToRetry(what, session === undefined ? error : worthAnotherTry(error), attempt, client);
      attempt += 1;
      if (await retrying(what, client, () => isThere(upload))) break;
      session = session === undefined || mode === 'whole' ? undefined : await resumed(session);
    }
  }
  // The answer to the last request was lost, and what it asked for was done.
  progress.advance(descriptor.size, 'source');

  async function send(opened: UploadSession): Promise<void> {
    const { digest, size } = descriptor;
    if (mode === 'whole') {
      await finish(client, opened, digest, part(0, size), what);
      return;
    }
    const longest = Math.max(partSize, opened.minimum);
    while ((session ?? opened).offset < size) {
      const at = session ?? opened;
      session = await sendChunk(client, at, part(at.offset, Math.min(longest, size - at.offset)), what);
    }
    await finish(client, session ?? opened, digest, undefined, what);
  }

  /** Bytes of the blob, opened when they are sent, and anew when they are sent again. */
  function part(offset: number, length: number): StreamBody {
    return { length, open: (signal) => bytes(offset, length, AbortSignal.any([signal, client.signal])) };
  }

  async function* bytes(offset: number, length: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    let left = length;
    for await (const chunk of await upload.image.open(descriptor, { offset, signal, lent: true })) {
      const wanted = chunk.length > left ? chunk.subarray(0, left) : chunk;
      left -= wanted.length;
      yield wanted;
      progress.advance(Math.min(offset + length - left, descriptor.size - 1), offset > 0 ? 'resumed' : 'source');
      if (left === 0) return;
    }
  }

  /** What the registry has of an upload that was cut off; undefined when it must begin anew. */
  async function resumed(cut: UploadSession): Promise<UploadSession | undefined> {
    try {
      const known = await retrying(what, client, () => statusOf(client, cut));
      return known === undefined || known.offset > descriptor.size ? undefined : known;
    } catch (error) {
      if (error instanceof RegistryError) return undefined;
      throw error;
    }
  }
}

async function isThere({ client, repository, descriptor }: BlobUpload): Promise<boolean> {
  const response = await client.send('HEAD', `${repository}/blobs/${descriptor.digest}`);
  response.discard();
  const { status, headers } = response;
  if (status === 429 || status >= 500) {
    throw new RegistryError('ERR_BOX_REGISTRY_FAILED', `cannot push to ${client.host}: it answered ${status}`, {
      url: response.url,
      status,
      transient: true,
    });
  }
  // Any other refusal is repeated, with its reason, to the request that follows.
  const length = headers['content-length'];
  return status === 200 && (length === undefined || Number(length) === descriptor.size);
}

/** Answers of registries that know no parts, or not of this length; the blob in one piece will tell what is wrong otherwise. */
function refusesParts(error: unknown): boolean {
  if (!(error instanceof RegistryError)) return false;
  return [400, 405, 411, 413, 415, 501].includes(error.status ?? 0);
}

/** A session that is gone, an offset that is wrong, bytes that were changed on their way: a new try may do better. */
function worthAnotherTry(error: unknown): unknown {
  if (!(error instanceof RegistryError) || error.transient) return error;
  const codes = ['BLOB_UPLOAD_UNKNOWN', 'BLOB_UPLOAD_INVALID', 'DIGEST_INVALID', 'SIZE_INVALID', 'RANGE_INVALID'];
  if (error.status !== 404 && error.status !== 416 && !codes.includes(error.registryCode ?? '')) return error;
  return new RegistryError(error.code, error.message, {
    url: new URL(error.url),
    transient: true,
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.status === undefined ? {} : { status: error.status }),
    ...(error.registryCode === undefined ? {} : { registryCode: error.registryCode }),
  });
}
