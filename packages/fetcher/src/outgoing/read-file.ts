import { open, type FileHandle } from 'node:fs/promises';
import type { SourceStream } from '@boxkit/contracts';

const readSize = 512 * 1024;

/**
 * Reads a file from an offset, the next chunk while the caller has this one. With `lent` two buffers serve in turn; else
 * each chunk has its own, and the collector has much to do.
 */
export function readFileFrom(
  path: string,
  options: { readonly offset: number; readonly signal: AbortSignal; readonly lent: boolean },
): SourceStream {
  return { startedAt: options.offset, [Symbol.asyncIterator]: () => chunks(path, options) };
}

async function* chunks(
  path: string,
  { offset, signal, lent }: { readonly offset: number; readonly signal: AbortSignal; readonly lent: boolean },
): AsyncGenerator<Uint8Array> {
  const file = await open(path, 'r');
  const buffers = [Buffer.allocUnsafeSlow(readSize), Buffer.allocUnsafeSlow(readSize)] as const;
  let pending: Promise<Buffer> | undefined;
  try {
    pending = readAt(file, buffers[0], offset);
    for (let at = offset, turn = 1; ; turn ^= 1) {
      const chunk = await pending;
      pending = undefined;
      signal.throwIfAborted();
      if (chunk.length === 0) return;
      at += chunk.length;
      const next = lent ? (buffers[turn] ?? buffers[0]) : Buffer.allocUnsafeSlow(readSize);
      pending = readAt(file, next, at);
      // Awaited in its turn; a failure before that is no unhandled one.
      pending.catch(() => {});
      yield chunk;
    }
  } finally {
    await pending?.catch(() => {});
    await file.close();
  }
}

async function readAt(file: FileHandle, buffer: Buffer, position: number): Promise<Buffer> {
  const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
  return buffer.subarray(0, bytesRead);
}
