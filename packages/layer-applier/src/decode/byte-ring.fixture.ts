import { parentPort } from 'node:worker_threads';
import { type ByteRing, RingSource, RingWriter } from './byte-ring.ts';

/** What the other thread is to do with ring after ring, each as soon as `turn` has its number. */
export interface RingTask {
  readonly rings: readonly ByteRing[];
  readonly what: 'read' | 'stop';
  /** The ring whose turn it is, from 1; how many are done. */
  readonly turn: SharedArrayBuffer;
}

parentPort?.once('message', ({ rings, what, turn: shared }: RingTask) => {
  const turn = new Int32Array(shared);
  for (const [at, ring] of rings.entries()) {
    while (Atomics.load(turn, 0) <= at);
    if (what === 'stop') new RingWriter(ring).stop();
    else while (new RingSource(ring).next() !== undefined);
    Atomics.store(turn, 1, at + 1);
    Atomics.notify(turn, 1);
  }
});
