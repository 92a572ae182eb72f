import { createHash, type Hash } from 'node:crypto';
import { fstatSync, ftruncateSync, read, renameSync } from 'node:fs';
import { promisify } from 'node:util';
import type { BlobWriter, Descriptor } from '@boxkit/contracts';
import { BoxError, digestParts } from '@boxkit/contracts';
import type { FileLock } from '@boxkit/linux';
import { createAppender } from './appender.ts';
import { diskError } from './disk-error.ts';

const readAsync = promisify(read);

/** Bytes read at once when what is there is hashed again. */
const rereadSize = 1 << 20;

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
  const explain = (error: unknown): unknown => diskError(what, error);
  let digest = createHash(algorithm);
  const offset = await reread(fd, descriptor.size, digest, signal).catch((error: unknown) => {
    lock.release();
    throw explain(error);
  });
  let appender = createAppender(fd, offset, explain);
  /** Bytes hashed, which may run ahead of those in the file. */
  let accepted = offset;
  let failure: unknown;
  let done = false;

  function usable(): void {
    if (failure !== undefined) throw failure;
    if (done) throw new BoxError('ERR_BOX_INTERNAL', `cannot ${what}: its writer was closed`);
    signal.throwIfAborted();
  }

  async function drop(): Promise<void> {
    await appender.idle();
    ftruncateSync(fd, 0);
    digest = createHash(algorithm);
    appender = createAppender(fd, 0, explain);
    accepted = 0;
  }

  /** Drops the bytes: none of them can be trusted. */
  async function refuse(error: BoxError): Promise<never> {
    failure = error;
    await drop();
    throw error;
  }

  return {
    offset,
    path,
    async write(chunk) {
      usable();
      if (chunk.length === 0) return;
      if (accepted + chunk.length > descriptor.size) {
        await refuse(sizeMismatch(descriptor, `at least ${accepted + chunk.length}`));
      }
      accepted += chunk.length;
      // The disk first: it copies in a thread of its own while this one hashes.
      const appended = appender.append(chunk);
      digest.update(chunk);
      await appended;
    },
    async restart() {
      usable();
      await drop();
    },
    async commit() {
      usable();
      if (accepted !== descriptor.size) await refuse(sizeMismatch(descriptor, accepted));
      const received = digest.copy().digest('hex');
      if (received !== hex) await refuse(digestMismatch(descriptor, `${algorithm}:${received}`));
      await appender.sync();
      try {
        renameSync(path, target);
      } catch (error) {
        throw explain(error);
      }
      done = true;
      lock.release();
    },
    async [Symbol.asyncDispose]() {
      if (done) return;
      done = true;
      await appender.idle();
      // Nothing worth resuming: leave no file behind.
      lock.release({ remove: fstatSync(fd).size === 0 });
    },
  };
}

/** Hashes what an earlier writer left and gives its length; what cannot be the beginning of the blob is dropped. */
async function reread(fd: number, limit: number, digest: Hash, signal: AbortSignal): Promise<number> {
  const { size } = fstatSync(fd);
  if (size > limit) {
    ftruncateSync(fd, 0);
    return 0;
  }
  const buffer = Buffer.allocUnsafe(Math.min(rereadSize, Math.max(size, 1)));
  let position = 0;
  while (position < size) {
    signal.throwIfAborted();
    const { bytesRead } = await readAsync(fd, buffer, 0, buffer.length, position);
    if (bytesRead === 0) break;
    digest.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
  return position;
}

const hint = 'The source sent something else than it promised; try again, or use another source.';

function sizeMismatch({ digest, size }: Descriptor, received: number | string): BoxError {
  return new BoxError(
    'ERR_BOX_SIZE_MISMATCH',
    `cannot keep blob ${digest}: expected ${size} bytes, received ${received}`,
    { hint, fields: { digest, expected: size, received } },
  );
}

function digestMismatch({ digest }: Descriptor, received: string): BoxError {
  return new BoxError('ERR_BOX_DIGEST_MISMATCH', `cannot keep blob ${digest}: its bytes have the digest ${received}`, {
    hint,
    fields: { digest, expected: digest, received },
  });
}
