import { createHash } from 'node:crypto';
import { ftruncateSync, fdatasync, fstatSync, read, renameSync, writev } from 'node:fs';
import { promisify } from 'node:util';
import type { BlobWriter, Descriptor } from '@boxkit/contracts';
import { BoxError, digestParts } from '@boxkit/contracts';
import type { FileLock } from '@boxkit/linux';
import { diskError } from './disk-error.ts';

const readAsync = promisify(read);
const fdatasyncAsync = promisify(fdatasync);

/** Bytes read at once when what is there is hashed again. */
const rereadSize = 1 << 20;
/** Bytes after which the disk is told to begin, so that the commit of a long blob finds little left to sync. */
const syncInterval = 32 << 20;
/** Buffers given to one writev(2); the kernel takes 1024. */
const maxBuffers = 512;

/**
 * Continues a partial blob whose lock (on the partial file itself) the caller hands over: hashes what is there from
 * its first byte and appends. `commit` moves the file to `target`.
 */
export async function createBlobWriter(
  lock: FileLock,
  target: string,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<BlobWriter> {
  const { fd, path } = lock;
  const what = `keep blob ${descriptor.digest}`;
  const { algorithm, hex } = digestParts(descriptor.digest);
  let digest = createHash(algorithm);
  /** Bytes hashed, which may run ahead of those in the file. */
  let accepted = 0;
  let queued: Batch | undefined;
  let flushing: Promise<void> | undefined;
  let syncing: Promise<void> | undefined;
  /** Bytes of the file when a sync was last begun. */
  let synced = 0;
  let failure: unknown;
  let done = false;

  async function reread(): Promise<void> {
    const size = fstatSync(fd).size;
    if (size > descriptor.size) return drop();
    const buffer = Buffer.allocUnsafe(Math.min(rereadSize, Math.max(size, 1)));
    while (accepted < size) {
      signal.throwIfAborted();
      const { bytesRead } = await readAsync(fd, buffer, 0, buffer.length, accepted);
      if (bytesRead === 0) break;
      digest.update(buffer.subarray(0, bytesRead));
      accepted += bytesRead;
    }
  }

  function drop(): void {
    ftruncateSync(fd, 0);
    digest = createHash(algorithm);
    accepted = 0;
    synced = 0;
  }

  /** Writes all that is queued, and what is queued meanwhile, batch by batch. */
  async function flush(position: number): Promise<void> {
    let at = position;
    for (let batch = queued; batch !== undefined; batch = queued) {
      queued = undefined;
      if (at - synced >= syncInterval) beginSync(at);
      try {
        at += await writeAll(fd, batch.chunks, at);
        batch.resolve();
      } catch (error) {
        failure ??= diskError(what, error);
        batch.reject(failure);
        (queued as Batch | undefined)?.reject(failure);
        queued = undefined;
      }
    }
    // In the same turn as the last look at the queue: a write that comes a moment later must start a flush of its own.
    flushing = undefined;
  }

  function beginSync(at: number): void {
    if (syncing !== undefined) return;
    synced = at;
    syncing = fdatasyncAsync(fd)
      .catch((error: unknown) => void (failure ??= diskError(what, error)))
      .finally(() => (syncing = undefined));
  }

  function usable(): void {
    if (failure !== undefined) throw failure;
    if (done) throw new BoxError('ERR_BOX_INTERNAL', `cannot ${what}: its writer was closed`);
    signal.throwIfAborted();
  }

  function mismatch(
    code: 'ERR_BOX_SIZE_MISMATCH' | 'ERR_BOX_DIGEST_MISMATCH',
    expected: string | number,
    received: string | number,
  ): BoxError {
    const noun = code === 'ERR_BOX_SIZE_MISMATCH' ? 'bytes' : 'as digest';
    return new BoxError(code, `cannot ${what}: expected ${expected} ${noun}, received ${received}`, {
      hint: 'The source sent something else than it promised; try again, or use another source.',
      fields: { digest: descriptor.digest, expected, received },
    });
  }

  try {
    await reread();
  } catch (error) {
    lock.release();
    throw diskError(what, error);
  }
  const offset = accepted;

  return {
    offset,
    path,
    async write(chunk) {
      usable();
      if (chunk.length === 0) return;
      if (accepted + chunk.length > descriptor.size) {
        failure = mismatch('ERR_BOX_SIZE_MISMATCH', descriptor.size, `at least ${accepted + chunk.length}`);
        await flushing;
        drop();
        throw failure;
      }
      const position = accepted;
      accepted += chunk.length;
      queued ??= { chunks: [], ...Promise.withResolvers<void>() };
      queued.chunks.push(chunk);
      const written = queued.promise;
      // The disk first: it copies in a thread of its own while this one hashes.
      flushing ??= flush(position);
      digest.update(chunk);
      await written;
    },
    async restart() {
      usable();
      await flushing;
      usable();
      drop();
    },
    async commit() {
      usable();
      await flushing;
      usable();
      const received = digest.copy().digest('hex');
      if (accepted !== descriptor.size || received !== hex) {
        failure =
          accepted === descriptor.size
            ? mismatch('ERR_BOX_DIGEST_MISMATCH', descriptor.digest, `${algorithm}:${received}`)
            : mismatch('ERR_BOX_SIZE_MISMATCH', descriptor.size, accepted);
        drop();
        throw failure;
      }
      try {
        await syncing;
        usable();
        await fdatasyncAsync(fd);
        renameSync(path, target);
      } catch (error) {
        failure ??= diskError(what, error);
        throw failure;
      }
      done = true;
      lock.release();
    },
    async [Symbol.asyncDispose]() {
      if (done) return;
      done = true;
      await flushing;
      await syncing;
      // Nothing worth resuming: leave no file behind.
      lock.release({ remove: fstatSync(fd).size === 0 });
    },
  };
}

/** Chunks that go to the disk together; the promise is that of all their writes. */
interface Batch {
  readonly chunks: Uint8Array[];
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
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
