import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import type { ExitStatus } from '@boxkit/contracts';
import { connectSupervisor, type ControlReply, encodeFrame, encodeJson, readFrames } from '@boxkit/launcher';
import type { DiskStore } from '@boxkit/store';
import type { Cancellable } from '../../options.ts';
import { detailsOf } from './details.ts';
import { findContainer, requireProcess, wrongState } from './find.ts';
import type { Attachment } from './types.ts';

/** Connects to the streams of a detached container, from now on. */
export async function attach(store: DiskStore, text: string, { signal }: Cancellable): Promise<Attachment> {
  const record = await findContainer(store, text);
  requireProcess(record, 'attach to');
  const { detached, terminal } = detailsOf(record);
  const socket = detached ? await connectSupervisor(record.path) : undefined;
  if (socket === undefined) {
    throw wrongState(record, 'attach to', 'its streams are those of who started it', 'Start it with --detach.');
  }
  return connected(socket, terminal, signal);
}

function connected(socket: Socket, terminal: boolean, signal: AbortSignal | undefined): Attachment {
  const output = new PassThrough({ objectMode: true });
  const { promise: exit, resolve } = Promise.withResolvers<ExitStatus | undefined>();
  const close = (): void => void socket.destroy();
  signal?.addEventListener('abort', close, { once: true });
  socket.on('close', () => {
    signal?.removeEventListener('abort', close);
    output.end();
    resolve(undefined);
  });
  readFrames(socket, ({ kind, bytes }) => {
    if (kind === 'r') {
      const reply = JSON.parse(bytes.toString()) as ControlReply;
      if (!('exit' in reply)) return;
      resolve(reply.exit);
      socket.end();
    } else if (!output.write({ stream: kind === 'o' ? 'stdout' : 'stderr', bytes })) {
      // the reader is slow: the supervisor waits a while, and lets go then
      socket.pause();
      output.once('drain', () => socket.resume());
    }
  });
  socket.write(encodeJson('q', { do: 'attach' }));
  return {
    output,
    terminal,
    exit,
    write: (bytes) => void socket.write(encodeFrame('i', bytes)),
    end: () => void socket.write(encodeFrame('c')),
    resize: (columns, rows) => void socket.write(encodeJson('w', { columns, rows })),
    async [Symbol.asyncDispose]() {
      socket.destroy();
    },
  };
}
