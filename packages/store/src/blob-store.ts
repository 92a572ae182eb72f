import { statSync, unlinkSync } from 'node:fs';
import { open, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobStore, BlobWriter, Descriptor, Digest, WriteOptions } from '@boxkit/contracts';
import { BoxError, isDigest } from '@boxkit/contracts';
import { lockFile } from '@boxkit/linux';
import { createBlobWriter } from './blob-writer.ts';
import { diskError, errnoOf, unless } from './disk-error.ts';
import { digestOfFile } from './digest-file.ts';
import { digestPath } from './layout.ts';
import { createNewBlob, type NewBlob } from './new-blob.ts';
import type { Session } from './session.ts';

/** Bytes of one read. */
const readSize = 256 * 1024;

export interface DiskBlobStore extends BlobStore {
  /** Starts a blob that is made here, and of which nobody knows the digest yet. Throws ERR_BOX_STORE_UNWRITABLE, ERR_BOX_STORE_FULL. */
  create(options: { readonly signal: AbortSignal }): NewBlob;
}

export function createBlobStore(session: Session): DiskBlobStore {
  const { layout, lease } = session;
  const pathOf = (digest: Digest): string => digestPath(layout.blobs, digest);

  function sizeOf(digest: Digest): number | undefined {
    return statSync(pathOf(digest), { throwIfNoEntry: false })?.size;
  }

  /** Whether the blob is there as the descriptor has it; what was damaged on the disk is dropped, to be written again. */
  async function isComplete(descriptor: Descriptor, signal: AbortSignal): Promise<boolean> {
    const size = sizeOf(descriptor.digest);
    if (size === undefined) return false;
    if (size === descriptor.size) return true;
    if ((await digestOfFile(pathOf(descriptor.digest), descriptor.digest, signal)) === descriptor.digest) {
      throw new BoxError(
        'ERR_BOX_SIZE_MISMATCH',
        `cannot keep blob ${descriptor.digest}: its descriptor says ${descriptor.size} bytes, the blob has ${size}`,
        {
          hint: 'The image is wrong: its manifest gives a size that no blob of this digest can have.',
          fields: { digest: descriptor.digest, expected: descriptor.size, received: size },
        },
      );
    }
    unless('ENOENT', undefined, () => unlinkSync(pathOf(descriptor.digest)));
    return false;
  }

  return {
    pathOf,
    async has(digest) {
      await lease.hold([`blobs/${digest}`]);
      return sizeOf(digest) !== undefined;
    },
    async write(descriptor: Descriptor, { signal, emit }: WriteOptions): Promise<BlobWriter | undefined> {
      const { digest } = descriptor;
      signal.throwIfAborted();
      const held = await lease.hold([`blobs/${digest}`], { signal });
      if (await isComplete(descriptor, signal)) return undefined;
      if (held instanceof Error) throw held;
      session.writing();
      try {
        const lock = await lockFile(digestPath(layout.partial, digest), {
          signal,
          onWait: () =>
            emit?.({ type: 'waiting', for: 'lock', what: `blob ${digest}, which another process is fetching` }),
        });
        let complete = true;
        try {
          complete = await isComplete(descriptor, signal);
        } finally {
          if (complete) lock.release({ remove: true });
        }
        if (complete) return undefined;
        return await createBlobWriter(lock, pathOf(digest), descriptor, signal);
      } catch (error) {
        throw diskError(`keep blob ${digest}`, error);
      }
    },
    create: ({ signal }) => createNewBlob(session, signal),
    async *open(digest, { signal } = {}) {
      await lease.hold([`blobs/${digest}`]);
      const file = await open(pathOf(digest), 'r').catch((error: unknown) => {
        if (errnoOf(error) !== 'ENOENT') throw diskError(`read blob ${digest}`, error);
        throw new BoxError('ERR_BOX_BLOB_MISSING', `cannot read blob ${digest}: the store has no such blob`, {
          hint: 'Pull the image again.',
          fields: { digest },
        });
      });
      try {
        for (;;) {
          signal?.throwIfAborted();
          // A buffer of its own for each chunk: the consumer may keep it.
          const { bytesRead, buffer } = await file.read(Buffer.allocUnsafeSlow(readSize), 0, readSize);
          if (bytesRead === 0) return;
          yield buffer.subarray(0, bytesRead);
        }
      } finally {
        await file.close();
      }
    },
    async delete(digest) {
      try {
        unless('ENOENT', undefined, () => unlinkSync(pathOf(digest)));
      } catch (error) {
        throw diskError(`delete blob ${digest}`, error);
      }
    },
    async *list() {
      for (const algorithm of ['sha256', 'sha512']) {
        const directory = join(layout.blobs, algorithm);
        for await (const entry of await opendir(directory)) {
          const digest = `${algorithm}:${entry.name}`;
          const stat = statSync(join(directory, entry.name), { throwIfNoEntry: false });
          if (isDigest(digest) && stat?.isFile() === true) yield { digest, size: stat.size };
        }
      }
    },
  };
}
