import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, renameSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '@boxkit/contracts';
import { BoxError, parseDigest } from '@boxkit/contracts';
import { createAppender } from './appender.ts';
import { diskError, unless } from './disk-error.ts';
import { digestPath } from './layout.ts';
import { stagingName } from './owner.ts';
import type { Session } from './session.ts';

/** A blob that is being made: what it is called is known when all of it has been written. */
export interface NewBlob extends AsyncDisposable {
  /** Bytes written so far. */
  readonly size: number;
  /** Appends; resolves when the bytes are in the file. The chunk must not change before. Throws ERR_BOX_STORE_FULL, ERR_BOX_STORE_UNWRITABLE. */
  write(chunk: Uint8Array): Promise<void>;
  /**
   * Makes what was written durable and puts it among the blobs under its sha256. The store keeps it from `prune` until
   * the store is disposed.
   */
  commit(): Promise<{ readonly digest: Digest; readonly size: number }>;
  /** `dispose` without commit forgets the bytes. */
}

/** Starts a blob in `tmp/`, under a name that tells a later process whose it is should this one die. */
export function createNewBlob(session: Session, signal: AbortSignal): NewBlob {
  const { layout, lease } = session;
  const what = 'keep a new blob';
  signal.throwIfAborted();
  const path = join(layout.tmp, stagingName('blob'));
  const explain = (error: unknown): unknown => diskError(what, error);
  let fd: number;
  try {
    fd = openSync(path, 'wx', 0o600);
  } catch (error) {
    throw explain(error);
  }
  session.writing();
  const hasher = createHash('sha256');
  const appender = createAppender(fd, 0, explain);
  let size = 0;
  let done = false;

  function usable(): void {
    if (done) throw new BoxError('ERR_BOX_INTERNAL', `cannot ${what}: its writer was closed`);
    signal.throwIfAborted();
  }

  return {
    get size() {
      return size;
    },
    async write(chunk) {
      usable();
      if (chunk.length === 0) return;
      size += chunk.length;
      // The disk first: it copies in a thread of its own while this one hashes.
      const appended = appender.append(chunk);
      hasher.update(chunk);
      await appended;
    },
    async commit() {
      usable();
      await appender.sync();
      const digest = parseDigest(`sha256:${hasher.digest('hex')}`);
      const held = await lease.hold([`blobs/${digest}`], { signal });
      if (held instanceof Error) throw held;
      try {
        renameSync(path, digestPath(layout.blobs, digest));
      } catch (error) {
        throw explain(error);
      }
      done = true;
      closeSync(fd);
      return { digest, size };
    },
    async [Symbol.asyncDispose]() {
      if (done) return;
      done = true;
      await appender.idle();
      if (fstatSync(fd).nlink > 0) unless('ENOENT', undefined, () => unlinkSync(path));
      closeSync(fd);
    },
  };
}
