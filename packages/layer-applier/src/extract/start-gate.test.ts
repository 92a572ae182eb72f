import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { closeGate, newGate, passGate } from './start-gate.ts';

it('whoever ends a thread waits for a load that has begun', async () => {
  const gate = newGate();
  const progress = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(
    `const { workerData } = require('node:worker_threads');
     import(workerData.module).then(({ passGate }) => passGate(workerData.gate, () => {
       Atomics.store(workerData.progress, 0, 1);
       Atomics.notify(workerData.progress, 0);
       Atomics.wait(workerData.progress, 0, 1, 300);
       Atomics.store(workerData.progress, 0, 2);
     }));`,
    { eval: true, workerData: { gate, progress, module: new URL('./start-gate.ts', import.meta.url).href } },
  );
  await Atomics.waitAsync(progress, 0, 0).value;
  closeGate(gate);
  expect(Atomics.load(progress, 0)).toBe(2);
  await worker.terminate();
});

it('no load begins once the gate is closed, and a load that failed is no reason to wait', () => {
  const closed = newGate();
  closeGate(closed);
  expect(passGate(closed, () => 'loaded')).toBeUndefined();
  const failed = newGate();
  expect(() =>
    passGate(failed, () => {
      throw new Error('no such module');
    }),
  ).toThrow('no such module');
  closeGate(failed);
});
