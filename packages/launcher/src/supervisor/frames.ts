import type { Socket } from 'node:net';

/** What goes over a supervisor's socket: a kind of one letter, a length in 32 bits, and bytes. */
export interface Frame {
  readonly kind: FrameKind;
  readonly bytes: Buffer;
}

/**
 * `q` a request and `r` its answer, both JSON; `i` input for the container and `c` its end; `o` and `e` its output and
 * errors; `w` a window's size, JSON.
 */
export type FrameKind = 'q' | 'r' | 'i' | 'c' | 'o' | 'e' | 'w';

const headerSize = 5;
/** A request is short; output comes in the pieces that a pipe gives. */
const longest = 1024 * 1024;

export function encodeFrame(kind: FrameKind, bytes: Uint8Array = new Uint8Array()): Buffer {
  const frame = Buffer.allocUnsafe(headerSize + bytes.length);
  frame.write(kind, 0, 'latin1');
  frame.writeUInt32BE(bytes.length, 1);
  frame.set(bytes, headerSize);
  return frame;
}

export function encodeJson(kind: FrameKind, value: unknown): Buffer {
  return encodeFrame(kind, Buffer.from(JSON.stringify(value)));
}

/** Calls `take` for each whole frame that comes; ends the connection of one who sends nonsense. */
export function readFrames(socket: Socket, take: (frame: Frame) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= headerSize) {
      const length = rest.readUInt32BE(1);
      if (length > longest) return void socket.destroy();
      if (rest.length < headerSize + length) return;
      const kind = rest.toString('latin1', 0, 1) as FrameKind;
      const bytes = rest.subarray(headerSize, headerSize + length);
      rest = rest.subarray(headerSize + length);
      take({ kind, bytes });
    }
  });
}
