import PQueue from 'p-queue';
import {
  BoxError,
  isBoxError,
  type BlobReader,
  type BoxEvent,
  type Descriptor,
  type ResolvedImage,
  type Store,
} from '@boxkit/contracts';
import { createProgress } from './progress.ts';
import { readStored, storedPath } from './stored-blob.ts';
import { startTransfer, type Transfer } from './transfer.ts';

/** Bytes that `read` takes into memory unless told otherwise: the distribution specification's bound for manifests. */
const readLimit = 4 << 20;

export interface BlobReaderOptions {
  /** Downloads at a time; default 6. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
  readonly emit?: (event: BoxEvent) => void;
}

/** A blob reader with an end: disposing of it cancels every transfer and waits for them. */
export type OwnedBlobReader = Required<BlobReader> & AsyncDisposable;

/**
 * A reader over a store and, for what the store lacks, a resolved image. Each blob is fetched once however many
 * read it; with `source` undefined, what is missing is ERR_BOX_BLOB_MISSING.
 */
export function createBlobReader(
  source: ResolvedImage | undefined,
  store: Store,
  options: BlobReaderOptions = {},
): OwnedBlobReader {
  const queue = new PQueue({ concurrency: options.concurrency ?? 6 });
  const transfers = new Map<string, Transfer>();
  const told = new Set<string>();
  const ending = new AbortController();
  const signal = options.signal === undefined ? ending.signal : AbortSignal.any([options.signal, ending.signal]);
  const emit = options.emit ?? (() => {});

  /** Waits for a slot. The queue lets go of a job at once when it is aborted; we wait until it has ended. */
  async function schedule(work: () => Promise<void>, abort: AbortSignal): Promise<void> {
    let running: Promise<void> | undefined;
    try {
      await queue.add(async () => await (running = work()), { signal: abort });
    } finally {
      await running?.catch(() => {});
    }
  }

  function transferOf(descriptor: Descriptor): Transfer {
    const key = `${descriptor.digest} ${descriptor.size}`;
    const running = transfers.get(key);
    if (running !== undefined && !running.cancelled) return running;
    if (source === undefined) throw missing(descriptor);
    const transfer = startTransfer(descriptor, { store, source, schedule, signal, emit });
    transfers.set(key, transfer);
    told.add(descriptor.digest);
    const forget = (): void => {
      if (transfers.get(key) === transfer) transfers.delete(key);
    };
    transfer.done.then(forget, forget);
    return transfer;
  }

  function tellPresent(descriptor: Descriptor): void {
    if (told.has(descriptor.digest)) return;
    told.add(descriptor.digest);
    createProgress(descriptor, emit).tell(descriptor.size, 'present');
  }

  /** Where the store has the blob; tells so, and keeps other processes from collecting it. */
  function present(descriptor: Descriptor): string | undefined {
    const path = storedPath(store, descriptor);
    if (path === undefined) return undefined;
    tellPresent(descriptor);
    store.blobs.has(descriptor.digest).catch(() => {});
    return path;
  }

  async function* follow(descriptor: Descriptor, abort: AbortSignal): AsyncGenerator<Uint8Array> {
    if (storedPath(store, descriptor) !== undefined) return yield* readStored(store, descriptor, abort);
    const transfer = transferOf(descriptor);
    const leave = transfer.join();
    try {
      for (let position = 0; ;) {
        const chunk = await transfer.read(position, abort);
        if (chunk === undefined) return yield* readStored(store, descriptor, abort);
        if (chunk.length === 0) return;
        position += chunk.length;
        yield chunk;
      }
    } finally {
      await leave();
    }
  }

  /** Waits until the store has a blob, without reading it. */
  async function bring(descriptor: Descriptor, abort: AbortSignal): Promise<void> {
    abort.throwIfAborted();
    if (present(descriptor) !== undefined) return;
    const transfer = transferOf(descriptor);
    const leave = transfer.join();
    try {
      await untilAborted(transfer.done, abort);
    } finally {
      await leave();
    }
  }

  /** A small blob whole: first brought in, so that a reader of it never meets bytes that turn out wrong. */
  async function collect(descriptor: Descriptor, abort: AbortSignal): Promise<Uint8Array> {
    await bring(descriptor, abort);
    const chunks: Uint8Array[] = [];
    for await (const chunk of readStored(store, descriptor, abort)) chunks.push(chunk);
    return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  }

  const abortOf = (given: AbortSignal | undefined): AbortSignal =>
    given === undefined ? signal : AbortSignal.any([given, signal]);

  return {
    open(descriptor, given = {}) {
      const path = present(descriptor);
      return { path, [Symbol.asyncIterator]: () => follow(descriptor, abortOf(given.signal)) };
    },
    async read(descriptor, { limit = readLimit, signal: given } = {}) {
      if (descriptor.size > limit) throw tooLong(descriptor, limit);
      const abort = abortOf(given);
      try {
        return await collect(descriptor, abort);
      } catch (error) {
        if (source === undefined || !isBoxError(error, 'ERR_BOX_STORE_CORRUPT')) throw error;
        emit({ type: 'warning', code: 'blob-corrupt', message: `${error.message}; it is fetched again` });
        return await collect(descriptor, abort);
      }
    },
    ensure: async (descriptor, given = {}) => await bring(descriptor, abortOf(given.signal)),
    async [Symbol.asyncDispose]() {
      ending.abort(new DOMException('the image was closed', 'AbortError'));
      await Promise.allSettled([...transfers.values()].map((transfer) => transfer.done));
    },
  };
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason as Error);
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function missing(descriptor: Descriptor): BoxError {
  return new BoxError(
    'ERR_BOX_BLOB_MISSING',
    `cannot read blob ${descriptor.digest}: the store does not have it, and there is no source to ask`,
    {
      hint: 'Pull the image again.',
      fields: { digest: descriptor.digest },
    },
  );
}

function tooLong(descriptor: Descriptor, limit: number): BoxError {
  return new BoxError(
    'ERR_BOX_BUDGET_EXCEEDED',
    `cannot read ${descriptor.mediaType} ${descriptor.digest} into memory: it has ${descriptor.size} bytes, ${limit} are allowed`,
    {
      fields: { digest: descriptor.digest, size: descriptor.size, limit },
    },
  );
}
