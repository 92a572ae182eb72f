import type { IncomingMessage } from 'node:http';
import { createReceiver } from './receiver.ts';
import { canTap, tapSocket } from './socket-tap.ts';

/**
 * Bytes from which a body is read past the parser. Its connection is spent then, and a new one takes two or three
 * round trips: nothing beside a body this long.
 */
const directFrom = 1 << 20;

/** How long a body is that can be read past the parser; undefined when it must go through it. */
export function directLength(response: IncomingMessage): number | undefined {
  const { headers, socket, statusCode } = response;
  const length = Number(headers['content-length'] ?? Number.NaN);
  const plain = headers['transfer-encoding'] === undefined && (statusCode === 200 || statusCode === 206);
  return plain && length >= directFrom && canTap(socket) ? length : undefined;
}

/**
 * The `length` bytes of a body, read from its socket into buffers that are used again: give chunks back with `recycle`.
 * Fails as the response does, and when it ends early.
 */
export async function* directBody(response: IncomingMessage, length: number): AsyncGenerator<Uint8Array> {
  const { socket } = response;
  // Nothing is awaited before the socket is tapped, so that nothing comes between.
  const parsed = takeParsed(response);
  const left = length - parsed.reduce((sum, chunk) => sum + chunk.length, 0);
  const receiver = createReceiver(left, () => socket.resume());
  const closed = (): void =>
    receiver.fail(response.errored ?? Object.assign(new Error('aborted'), { code: 'ECONNRESET' }));
  response.once('close', closed);
  if (response.destroyed) closed();
  else tapSocket(socket, receiver);
  try {
    yield* parsed;
    for (let chunk = await receiver.next(); chunk !== undefined; chunk = await receiver.next()) yield chunk;
  } finally {
    response.off('close', closed);
    response.destroy();
    if (socket.destroyed) receiver.close();
  }
}

/** What has come through the parser so far. */
function takeParsed(response: IncomingMessage): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const chunk = response.read() as Uint8Array | null;
    if (chunk === null) return chunks;
    chunks.push(chunk);
  }
}
