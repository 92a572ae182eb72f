import { fdatasync, writev } from 'node:fs';
import { promisify } from 'node:util';

const fdatasyncAsync = promisify(fdatasync);

/** Bytes after which the disk is told to begin, so that the last sync of a long file finds little left to do. */
const syncInterval = 32 << 20;
/** Buffers given to one writev(2); the kernel takes 1024. */
const maxBuffers = 512;

/** Appends to a file in the order of the calls, without a wait between them. After a failure all calls fail with it. */
export interface Appender {
  /** Resolves when the chunk is in the file; it must not change before. */
  append(chunk: Uint8Array): Promise<void>;
  /** Waits until nothing is under way, whether it succeeds or not. */
  idle(): Promise<void>;
  /** Makes what was appended durable. */
  sync(): Promise<void>;
}

/** Chunks that go to the disk together; the promise is that of all their appends. */
interface Batch {
  readonly chunks: Uint8Array[];
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** One early sync at a time: each blocks one of libuv's four threads, which the writes of all files share. */
let syncingEarly = false;

/** Starts at `position`, in bytes. Errors go through `explain`. */
export function createAppender(fd: number, position: number, explain: (error: unknown) => unknown): Appender {
  let at = position;
  let synced = position;
  let queued: Batch | undefined;
  let flushing: Promise<void> | undefined;
  let syncing: Promise<void> | undefined;
  let failure: unknown;

  /** Writes all that is queued, and what is queued meanwhile, batch by batch. */
  async function flush(): Promise<void> {
    for (let batch = queued; batch !== undefined; batch = queued) {
      queued = undefined;
      if (at - synced >= syncInterval && !syncingEarly) syncing = syncEarly();
      try {
        at += await writeAll(fd, batch.chunks, at);
        batch.resolve();
      } catch (error) {
        failure ??= explain(error);
        batch.reject(failure);
        (queued as Batch | undefined)?.reject(failure);
        queued = undefined;
      }
    }
    // In the same turn as the last look at the queue: an append that comes a moment later must start a flush of its own.
    flushing = undefined;
  }

  async function syncEarly(): Promise<void> {
    syncingEarly = true;
    synced = at;
    try {
      await fdatasyncAsync(fd);
    } catch (error) {
      failure ??= explain(error);
    } finally {
      syncingEarly = false;
    }
  }

  async function idle(): Promise<void> {
    await flushing;
    await syncing;
  }

  return {
    async append(chunk) {
      if (failure !== undefined) throw failure;
      queued ??= { chunks: [], ...Promise.withResolvers<void>() };
      queued.chunks.push(chunk);
      const written = queued.promise;
      flushing ??= flush();
      await written;
    },
    idle,
    async sync() {
      await idle();
      if (failure !== undefined) throw failure;
      await fdatasyncAsync(fd).catch((error: unknown) => {
        failure = explain(error);
        throw failure;
      });
    },
  };
}

/** Writes the chunks at `position`; gives their bytes. */
async function writeAll(fd: number, chunks: readonly Uint8Array[], position: number): Promise<number> {
  let at = position;
  for (let first = 0; first < chunks.length; first += maxBuffers) {
    for (let rest = chunks.slice(first, first + maxBuffers); rest.length > 0;) {
      const written = await writevAsync(fd, rest, at);
      at += written;
      rest = without(rest, written);
    }
  }
  return at - position;
}

function writevAsync(fd: number, buffers: Uint8Array[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    writev(fd, buffers, position, (error, written) => (error === null ? resolve(written) : reject(error)));
  });
}

/** The buffers that are left when the first `written` bytes are gone. */
function without(buffers: readonly Uint8Array[], written: number): Uint8Array[] {
  let skip = written;
  const rest: Uint8Array[] = [];
  for (const buffer of buffers) {
    if (skip >= buffer.length) skip -= buffer.length;
    else {
      rest.push(skip === 0 ? buffer : buffer.subarray(skip));
      skip = 0;
    }
  }
  return rest;
}
