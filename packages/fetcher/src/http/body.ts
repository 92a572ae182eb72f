import type { IncomingMessage } from 'node:http';
import { directBody, directLength } from './direct-body.ts';
import { connectionError } from './errors.ts';

/** What an idle connection ends with. */
export function idleError(timeout: number): Error {
  return Object.assign(new Error(`no byte came for ${timeout} ms`), { code: 'IDLE_CONNECTION' });
}

/**
 * The body of a response. The idle time counts only while we wait for the peer: a reader that takes its time is no
 * fault of the connection's. A body that ends before its Content-Length fails with ECONNRESET. Chunks may be given back
 * with `recycle`.
 */
export async function* bodyOf(
  response: IncomingMessage,
  url: URL,
  signal: AbortSignal,
  idleTimeout: number,
): AsyncGenerator<Uint8Array> {
  let waiting = true;
  const timer = setTimeout(() => {
    if (waiting) response.destroy(idleError(idleTimeout));
    else timer.refresh();
  }, idleTimeout);
  const length = directLength(response);
  try {
    for await (const chunk of length === undefined
      ? (response as AsyncIterable<Uint8Array>)
      : directBody(response, length)) {
      waiting = false;
      yield chunk;
      waiting = true;
      timer.refresh();
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw connectionError(url, error);
  } finally {
    clearTimeout(timer);
    response.destroy();
  }
}

/** A small body whole; undefined when it is longer than `limit` bytes. `timeout` bounds it in all, in milliseconds. */
export async function readBody(
  body: AsyncIterable<Uint8Array>,
  limit: number,
  timeout = 120_000,
): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  const deadline = Date.now() + timeout;
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) return undefined;
    if (Date.now() > deadline)
      throw Object.assign(new Error(`its answer took longer than ${timeout} ms`), { code: 'ETIMEDOUT' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
