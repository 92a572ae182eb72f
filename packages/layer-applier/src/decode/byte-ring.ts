import { HashedInput } from './tar-input.ts';

/**
 * Bytes from one thread to another through shared memory, bounded: the writer waits without blocking its event loop,
 * the reader blocks its thread. A layer's tar goes through it from the thread that inflates to the one that extracts,
 * so that neither waits for the other at each chunk.
 *
 * Control words: bytes written and read (modulo 2^32), a state, and how often each side has been called. Each sleeps on its
 * count, which it loads before it looks at anything else: a call that comes between its look and its sleep has changed
 * that. The size is a power of two and a multiple of 512, so a tar block never lies across the seam.
 */
export interface ByteRing {
  readonly control: SharedArrayBuffer;
  readonly data: SharedArrayBuffer;
}

const word = { written: 0, read: 1, state: 2, readerCalls: 3, writerCalls: 4 } as const;
const state = { open: 0, ended: 1, stopped: 2 } as const;

/** Bytes of a ring that neither end waits for without need. */
export const ringSize = 2 ** 22;

/** `data` may have served another ring, whose both ends are done with it. */
export function createRing(data: SharedArrayBuffer): ByteRing {
  return { control: new SharedArrayBuffer(20), data };
}

/** The writing end, for a thread with an event loop. */
export class RingWriter {
  readonly #control: Int32Array;
  readonly #data: Uint8Array;
  #written = 0;

  constructor(ring: ByteRing) {
    this.#control = new Int32Array(ring.control);
    this.#data = new Uint8Array(ring.data);
  }

  /** Resolves when all of `bytes` is in the ring; false when either side has stopped. */
  async write(bytes: Uint8Array): Promise<boolean> {
    let from = 0;
    while (from < bytes.length) {
      const calls = Atomics.load(this.#control, word.writerCalls);
      const used = (this.#written - Atomics.load(this.#control, word.read)) >>> 0;
      const start = (this.#written >>> 0) % this.#data.length;
      const count = Math.min(bytes.length - from, this.#data.length - used, this.#data.length - start);
      if (this.stopped) return false;
      if (count === 0) {
        await this.#called(calls);
        continue;
      }
      this.#data.set(bytes.subarray(from, from + count), start);
      from += count;
      this.#written = (this.#written + count) | 0;
      Atomics.store(this.#control, word.written, this.#written);
      call(this.#control, word.readerCalls);
    }
    return !this.stopped;
  }

  /** No more bytes follow. */
  end(): void {
    Atomics.compareExchange(this.#control, word.state, state.open, state.ended);
    call(this.#control, word.readerCalls);
  }

  /** Makes both sides give up: the reader throws RingStopped. */
  stop(): void {
    stopRing(this.#control);
  }

  get stopped(): boolean {
    return Atomics.load(this.#control, word.state) === state.stopped;
  }

  async #called(calls: number): Promise<void> {
    const wait = Atomics.waitAsync(this.#control, word.writerCalls, calls);
    if (wait.async) await wait.value;
  }
}

function stopRing(control: Int32Array): void {
  Atomics.store(control, word.state, state.stopped);
  call(control, word.readerCalls);
  call(control, word.writerCalls);
}

/** Wakes a side, or keeps it from falling asleep. */
function call(control: Int32Array, calls: typeof word.readerCalls | typeof word.writerCalls): void {
  Atomics.add(control, calls, 1);
  Atomics.notify(control, calls);
}

/** Thrown by the reader when the writer has given up. */
export class RingStopped extends Error {}

/** The most that a RingSource takes at once, so that its writer goes on meanwhile. Bytes. */
const piece = 2 ** 18;

/** The reading end for a worker thread that may block, of bytes that are no tar yet. */
export class RingSource {
  readonly #control: Int32Array;
  readonly #data: Uint8Array;
  /** Bytes taken over from the ring, modulo 2^32. */
  #taken = 0;

  constructor(ring: ByteRing) {
    this.#control = new Int32Array(ring.control);
    this.#data = new Uint8Array(ring.data);
  }

  /** The next bytes, which are given back by the next call; undefined at the end. Throws RingStopped. */
  next(): Uint8Array | undefined {
    if (this.#taken !== Atomics.load(this.#control, word.read)) {
      Atomics.store(this.#control, word.read, this.#taken);
      call(this.#control, word.writerCalls);
    }
    const size = this.#data.length;
    const start = (this.#taken >>> 0) % size;
    for (;;) {
      const calls = Atomics.load(this.#control, word.readerCalls);
      const ended = Atomics.load(this.#control, word.state);
      const written = Atomics.load(this.#control, word.written);
      if (ended === state.stopped) throw new RingStopped();
      const count = Math.min((written - this.#taken) >>> 0, size - start, piece);
      if (count > 0) {
        this.#taken = (this.#taken + count) | 0;
        return this.#data.subarray(start, start + count);
      }
      if (ended === state.ended) return undefined;
      Atomics.wait(this.#control, word.readerCalls, calls);
    }
  }
}

/** The reading end, for a worker thread that may block. */
export class RingInput extends HashedInput {
  readonly buffer: Buffer;
  readonly #control: Int32Array;
  /** Bytes taken over from the ring, modulo 2^32; those before `position` have been given back. */
  #taken = 0;

  readonly #check: (received: number) => void;

  /** `check` is called with the number of bytes as they arrive, and may throw to stop. */
  constructor(ring: ByteRing, algorithm: string, check: (received: number) => void) {
    super(algorithm);
    this.#check = check;
    this.#control = new Int32Array(ring.control);
    this.buffer = Buffer.from(ring.data);
  }

  fill(minimum: number): number {
    const size = this.buffer.length;
    if (this.position === size) this.position = this.end = 0;
    const read = (this.#taken - (this.end - this.position)) | 0;
    if (read !== Atomics.load(this.#control, word.read)) {
      Atomics.store(this.#control, word.read, read);
      call(this.#control, word.writerCalls);
    }
    for (;;) {
      const calls = Atomics.load(this.#control, word.readerCalls);
      const ended = Atomics.load(this.#control, word.state);
      const written = Atomics.load(this.#control, word.written);
      if (ended === state.stopped) throw new RingStopped();
      const fresh = Math.min((written - this.#taken) >>> 0, size - this.end);
      if (fresh > 0) {
        this.received(this.buffer.subarray(this.end, this.end + fresh));
        this.end += fresh;
        this.#taken = (this.#taken + fresh) | 0;
        this.#check(fresh);
      }
      if (this.end - this.position >= minimum || ended === state.ended) return this.end - this.position;
      Atomics.wait(this.#control, word.readerCalls, calls);
    }
  }

  /** Makes the writer give up. */
  stop(): void {
    stopRing(this.#control);
  }
}
