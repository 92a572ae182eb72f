import { createHash, hash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { BoxError, digestParts, type Descriptor } from '@boxkit/contracts';

const chunkSize = 2 ** 18;
/** More than any consumer of the chunks keeps at once: its decoder's queue of 1 MiB and what it works on. */
const buffers = 8;
/** Bytes of a blob that is read in one go. */
const smallSize = 2 ** 16;

/**
 * The bytes of a blob from a file of the store, verified while they pass. A chunk is valid until seven more have been
 * asked for. Throws ERR_BOX_SIZE_MISMATCH, ERR_BOX_DIGEST_MISMATCH instead of ending when they do not fit.
 */
export async function* readBlobFile(
  path: string,
  descriptor: Descriptor,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { algorithm, hex } = digestParts(descriptor.digest);
  const hash = createHash(algorithm);
  if (descriptor.size <= smallSize) {
    signal.throwIfAborted();
    yield readSmallBlob(path, descriptor);
    return;
  }
  const ring: Buffer[] = [];
  const file = await open(path, 'r');
  try {
    let size = 0;
    for (let turn = 0; ; turn++) {
      signal.throwIfAborted();
      const buffer = (ring[turn % buffers] ??= Buffer.allocUnsafeSlow(chunkSize));
      const { bytesRead } = await file.read(buffer, 0, chunkSize, null);
      if (bytesRead === 0) break;
      size += bytesRead;
      if (size > descriptor.size) break;
      const chunk = buffer.subarray(0, bytesRead);
      hash.update(chunk);
      yield chunk;
    }
    if (size !== descriptor.size) throw sizeMismatch(descriptor, size, path);
    const received = hash.digest('hex');
    if (received !== hex) throw digestMismatch(descriptor, `${algorithm}:${received}`, path);
  } finally {
    await file.close();
  }
}

/** A small blob at once: a handful of system calls, and no turn of the event loop. */
function readSmallBlob(path: string, descriptor: Descriptor): Uint8Array {
  const fd = openSync(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(descriptor.size + 1);
    let size = 0;
    for (let count = 1; count > 0 && size <= descriptor.size; size += count) {
      count = readSync(fd, buffer, size, buffer.length - size, null);
    }
    if (size !== descriptor.size) throw sizeMismatch(descriptor, size, path);
    const { algorithm, hex } = digestParts(descriptor.digest);
    const received = hash(algorithm, buffer.subarray(0, size), 'hex');
    if (received !== hex) throw digestMismatch(descriptor, `${algorithm}:${received}`, path);
    return buffer.subarray(0, size);
  } finally {
    closeSync(fd);
  }
}

const hint = 'The stored blob is damaged: remove it (box fsck does) and pull the image again.';

function sizeMismatch(descriptor: Descriptor, received: number, path: string): BoxError {
  const more = received > descriptor.size ? 'more than that' : `${received} bytes`;
  return new BoxError(
    'ERR_BOX_SIZE_MISMATCH',
    `cannot use the blob ${descriptor.digest}: it should have ${descriptor.size} bytes, the file has ${more}`,
    { hint, fields: { digest: descriptor.digest, expected: descriptor.size, received, path } },
  );
}

function digestMismatch(descriptor: Descriptor, received: string, path: string): BoxError {
  return new BoxError(
    'ERR_BOX_DIGEST_MISMATCH',
    `cannot use the blob ${descriptor.digest}: its digest is ${received}`,
    {
      hint,
      fields: { expected: descriptor.digest, received, path },
    },
  );
}
