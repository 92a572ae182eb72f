import { giveBuffer, lend, receiveBufferSize, takeBuffer } from './receive-buffer.ts';
import type { Tap } from './socket-tap.ts';

/** Reads from this length on are handed on in their buffer; shorter ones are gathered first. */
const lendFrom = receiveBufferSize / 8;
/** Buffers of one body that its reader may hold; then it gets copies. */
const lentLimit = 4;

/** Collects what a socket gives, up to `length` bytes, for one reader. */
export interface Receiver extends Tap {
  /** The next chunk; undefined after the last byte. */
  next(): Promise<Uint8Array | undefined>;
  /** Ends with an error, once what has arrived is read. */
  fail(error: Error): void;
  /** To be called when the socket is closed. */
  close(): void;
}

/** `resume` has the socket go on after a pause. */
export function createReceiver(length: number, resume: () => void): Receiver {
  let left = length;
  /** What the kernel writes to. Changed in `receive` alone: between two reads Node knows of the one it was given. */
  let landing = takeBuffer();
  let gathering: Uint8Array | undefined;
  let gathered = 0;
  const ready: Uint8Array[] = [];
  let lent = 0;
  let paused = false;
  let failure: Error | undefined;
  let waiting: PromiseWithResolvers<Uint8Array | undefined> | undefined;
  let turn: NodeJS.Immediate | undefined;

  function lendOut(buffer: Uint8Array, count: number): Uint8Array {
    const chunk = buffer.subarray(0, count);
    lent += 1;
    lend(chunk, () => (lent -= 1));
    return chunk;
  }

  function gather(bytes: Uint8Array): void {
    if (gathered + bytes.length > receiveBufferSize) flush();
    gathering ??= takeBuffer();
    gathering.set(bytes, gathered);
    gathered += bytes.length;
  }

  /** Makes a chunk of what was gathered. */
  function flush(): void {
    if (gathering === undefined || gathered === 0) return;
    if (gathered < lendFrom || lent >= lentLimit) ready.push(gathering.slice(0, gathered));
    else {
      ready.push(lendOut(gathering, gathered));
      gathering = undefined;
    }
    gathered = 0;
  }

  /** Serves the reader that waits, if there is anything for it. */
  function serve(): void {
    clearImmediate(turn);
    turn = undefined;
    if (waiting === undefined) return;
    if (ready.length === 0) flush();
    const chunk = ready.shift();
    if (chunk === undefined && left > 0 && failure === undefined) return;
    if (chunk === undefined && left > 0) waiting.reject(failure);
    else waiting.resolve(chunk);
    waiting = undefined;
  }

  return {
    buffer: () => landing,
    receive(count, from) {
      const bytes = from.subarray(0, Math.min(count, left));
      left -= bytes.length;
      if (from.buffer === landing.buffer && bytes.length >= lendFrom && lent < lentLimit) {
        flush();
        ready.push(lendOut(landing, bytes.length));
        landing = takeBuffer();
      } else gather(bytes);
      if (ready.length > 0 || left === 0) serve();
      // More may come in this turn of the event loop: TLS gives 16 KiB at a time.
      else if (waiting !== undefined) turn ??= setImmediate(serve);
      // TLS may call once more after a pause: only `next` ends one.
      paused ||= left === 0 || ready.length > 0 || (waiting === undefined && gathered > receiveBufferSize / 2);
      return !paused;
    },
    next() {
      waiting = Promise.withResolvers();
      const { promise } = waiting;
      serve();
      if (paused && left > 0) {
        paused = false;
        resume();
      }
      return promise;
    },
    fail(error) {
      failure ??= error;
      serve();
    },
    close() {
      clearImmediate(turn);
      giveBuffer(landing);
      if (gathering !== undefined) giveBuffer(gathering);
    },
  };
}
