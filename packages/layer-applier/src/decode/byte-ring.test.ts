import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { createRing, RingWriter } from './byte-ring.ts';
import type { RingTask } from './byte-ring.fixture.ts';

const count = 20_000;

/** Meets each ring in another thread, somewhat earlier or later each time, and gives how many that thread has come through. */
async function meet(what: RingTask['what'], here: (writer: RingWriter) => unknown): Promise<number> {
  const turn = new Int32Array(new SharedArrayBuffer(8));
  const data = new SharedArrayBuffer(512);
  const rings = Array.from({ length: count }, () => createRing(data));
  const worker = new Worker(new URL('./byte-ring.fixture.ts', import.meta.url));
  try {
    await once(worker, 'online');
    worker.postMessage({ rings, what, turn: turn.buffer } satisfies RingTask);
    for (const [at, ring] of rings.entries()) {
      const writer = new RingWriter(ring);
      Atomics.store(turn, 0, at + 1);
      for (let wait = at % 97; wait > 0; wait--) Atomics.load(turn, 0);
      const done = here(writer);
      // a side that sleeps for ever is the failure
      if (done instanceof Promise) await Promise.race([done, late()]);
      if (Atomics.wait(turn, 1, at, 10_000) === 'timed-out') break;
    }
    return turn[1] ?? 0;
  } finally {
    await worker.terminate();
  }
}

function late(): Promise<never> {
  return new Promise((_resolve, reject) => {
    setTimeout(() => reject(new Error('the writer sleeps')), 10_000).unref();
  });
}

test('a reader learns of the end, whenever it comes', async () => {
  expect(await meet('read', (writer) => writer.end())).toBe(count);
});

test('a writer learns that the reader has stopped, whenever it does', async () => {
  const bytes = new Uint8Array(1024);
  expect(await meet('stop', (writer) => writer.write(bytes))).toBe(count);
});
