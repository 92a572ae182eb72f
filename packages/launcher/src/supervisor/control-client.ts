import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import type { ControlReply, ControlRequest } from './control-server.ts';
import { encodeJson, type Frame, readFrames } from './frames.ts';
import { openSocketPath } from './socket-path.ts';

/** Connects to the supervisor of a container's directory; undefined when there is none (any more). */
export async function connectSupervisor(directory: string): Promise<Socket | undefined> {
  let place;
  try {
    place = openSocketPath(directory);
  } catch {
    // no such container any more
    return undefined;
  }
  const socket = connect({ path: place.path, allowHalfOpen: false });
  try {
    await once(socket, 'connect');
    socket.on('error', () => socket.destroy());
    return socket;
  } catch {
    socket.destroy();
    return undefined;
  } finally {
    place.close();
  }
}

/** Asks a supervisor for one thing. Undefined when there is none, or when it ended before it answered. */
export async function askSupervisor(
  directory: string,
  request: ControlRequest,
  options: { readonly signal?: AbortSignal } = {},
): Promise<ControlReply | undefined> {
  const socket = await connectSupervisor(directory);
  if (socket === undefined) return undefined;
  const { signal } = options;
  try {
    return await new Promise<ControlReply | undefined>((resolve, reject) => {
      const onAbort = (): void => reject(signal?.reason as Error);
      signal?.addEventListener('abort', onAbort, { once: true });
      socket.once('close', () => {
        signal?.removeEventListener('abort', onAbort);
        resolve(undefined);
      });
      readFrames(socket, ({ kind, bytes }: Frame) => {
        if (kind === 'r') resolve(JSON.parse(bytes.toString()) as ControlReply);
      });
      socket.write(encodeJson('q', request));
    });
  } finally {
    socket.destroy();
  }
}
