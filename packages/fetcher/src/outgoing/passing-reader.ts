import {
  BoxError,
  type BlobReader,
  type Descriptor,
  type OutgoingImage,
  type ResolvedImage,
  type Store,
} from '@boxkit/contracts';
import { storedPath } from '../blobs/stored-blob.ts';
import { readFileFrom } from './read-file.ts';
import { verifiedOpen, type OpenRaw } from './verified.ts';

const readLimit = 4 * 1024 * 1024;

/** Reads blobs in order to write them elsewhere: from the store when it has them, else from the source; keeps none. */
export interface PassingReader extends BlobReader {
  readonly openAt: OutgoingImage['open'];
}

/** Makes a reader for one image. Without a source, what the store lacks is ERR_BOX_BLOB_MISSING. */
export function createPassingReader(
  source: ResolvedImage | undefined,
  store: Store,
  signal: AbortSignal,
): PassingReader {
  const openRaw: OpenRaw = async (descriptor, { offset, signal: abort, lent }) => {
    const path = storedPath(store, descriptor);
    // Asked so that no `prune` takes it away meanwhile.
    if (path !== undefined && (await store.blobs.has(descriptor.digest))) {
      return readFileFrom(path, { offset, signal: abort, lent });
    }
    if (source === undefined) throw missing(descriptor);
    return await source.open(descriptor, { offset, signal: abort });
  };
  const openAt = verifiedOpen(openRaw);

  async function* whole(descriptor: Descriptor, abort: AbortSignal): AsyncGenerator<Uint8Array> {
    yield* await openAt(descriptor, { signal: abort });
  }

  const reader: PassingReader = {
    openAt,
    open: (descriptor, options = {}) => ({
      path: undefined,
      [Symbol.asyncIterator]: () => whole(descriptor, options.signal ?? signal),
    }),
    async read(descriptor, { limit = readLimit, ...options } = {}) {
      if (descriptor.size > limit) throw tooLong(descriptor, limit);
      const chunks: Uint8Array[] = [];
      for await (const chunk of reader.open(descriptor, options)) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
  };
  return reader;
}

function missing(descriptor: Descriptor): BoxError {
  return new BoxError('ERR_BOX_BLOB_MISSING', `cannot copy ${descriptor.digest}: the store does not have it`, {
    hint: 'The store keeps the blobs of the platform that was pulled: pull the image again, or copy it from its source.',
    fields: { digest: descriptor.digest },
  });
}

function tooLong(descriptor: Descriptor, limit: number): BoxError {
  return new BoxError(
    'ERR_BOX_BUDGET_EXCEEDED',
    `cannot copy ${descriptor.mediaType} ${descriptor.digest}: it has ${descriptor.size} bytes, ${limit} are allowed`,
    { fields: { digest: descriptor.digest, size: descriptor.size, limit } },
  );
}
