import { expect, test } from 'vitest';
import { holdWorker } from './worker-pool.ts';

test('a thread that was ended is nobody’s next thread, though it has not ended yet', async () => {
  const { signal } = new AbortController();
  const first = await holdWorker(signal);
  const memory = first.memory();
  first.end();
  first.release();
  const second = await holdWorker(signal);
  expect(second.memory()).not.toBe(memory);
  second.end();
  second.release();
});
