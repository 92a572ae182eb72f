import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import type { ExitStatus } from '@boxkit/contracts';
import { encodeFrame, encodeJson, type Frame, readFrames } from './frames.ts';
import type { LogStream } from './log-format.ts';
import { openSocketPath } from './socket-path.ts';

/** What can be asked of a supervisor. */
export type ControlRequest =
  | { readonly do: 'kill'; readonly signal: NodeJS.Signals | number }
  | { readonly do: 'stop'; readonly timeout?: number }
  | { readonly do: 'wait' }
  | { readonly do: 'attach' };

export type ControlReply = { readonly sent: boolean } | { readonly exit: ExitStatus } | { readonly attached: true };

/** What a supervisor does when it is asked. */
export interface Supervised {
  kill(signal: NodeJS.Signals | number): Promise<boolean>;
  stop(timeout: number | undefined): Promise<ExitStatus>;
  /** How the container ended, when it will not be started again. */
  readonly exit: Promise<ExitStatus>;
  input(bytes: Buffer): void;
  endInput(): void;
  resize(columns: number, rows: number): void;
}

export interface ControlServer extends AsyncDisposable {
  /** Passes on what the container wrote to all who are attached. */
  output(stream: LogStream, bytes: Buffer): void;
}

/** Bytes that may wait for somebody who is attached and does not read, before they are let go. */
const patience = 4 * 1024 * 1024;

/** Milliseconds for what is still to be said at the end. */
const lastWords = 1000;

/** Listens on a socket in the container's directory that only its owner may open. */
export async function serveControl(directory: string, supervised: Supervised): Promise<ControlServer> {
  const connected = new Set<Socket>();
  const attached = new Set<Socket>();
  const answering = new Set<Promise<void>>();
  const server = createServer((socket) => {
    connected.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      connected.delete(socket);
      attached.delete(socket);
    });
    readFrames(socket, (frame) => {
      const answered = answer(frame, socket, { supervised, attached })
        .catch(() => void socket.destroy())
        .finally(() => answering.delete(answered));
      answering.add(answered);
    });
  });
  const { path, close } = openSocketPath(directory);
  await listen(server, path);
  return {
    output(stream, bytes) {
      const frame = encodeFrame(stream === 'stdout' ? 'o' : 'e', bytes);
      for (const socket of attached) {
        if (socket.writableLength > patience) socket.destroy();
        else socket.write(frame);
      }
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      // who waits for the end shall be told of it
      const patient = setTimeout(() => connected.forEach((socket) => socket.destroy()), lastWords);
      await Promise.race([Promise.allSettled(answering), closed]);
      for (const socket of connected) socket.end();
      await closed;
      clearTimeout(patient);
      close();
    },
  };
}

async function listen(server: Server, path: string): Promise<void> {
  const before = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(before);
  }
  await once(server, 'listening');
}

interface Service {
  readonly supervised: Supervised;
  readonly attached: Set<Socket>;
}

async function answer(frame: Frame, socket: Socket, { supervised, attached }: Service): Promise<void> {
  const reply = (value: ControlReply): void => void socket.write(encodeJson('r', value));
  switch (frame.kind) {
    case 'i':
      return supervised.input(frame.bytes);
    case 'c':
      return supervised.endInput();
    case 'w': {
      const { columns, rows } = JSON.parse(frame.bytes.toString()) as { columns: number; rows: number };
      return supervised.resize(columns, rows);
    }
    case 'q':
      break;
    default:
      return void socket.destroy();
  }
  const request = JSON.parse(frame.bytes.toString()) as ControlRequest;
  switch (request.do) {
    case 'kill':
      return reply({ sent: await supervised.kill(request.signal) });
    case 'stop':
      return reply({ exit: await supervised.stop(request.timeout) });
    case 'wait':
      return reply({ exit: await supervised.exit });
    case 'attach':
      reply({ attached: true });
      attached.add(socket);
      return reply({ exit: await supervised.exit });
    default:
      return void socket.destroy();
  }
}
