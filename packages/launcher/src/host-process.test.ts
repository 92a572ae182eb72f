import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { isBoxError } from '@boxkit/contracts';
import { expect, it } from 'vitest';
import { startHostProcess } from './host-process.ts';

const ends = { env: {}, descriptors: [0, 1, 2] };

/** Starts programs one after the other in a thread, where no SIGCHLD comes. */
const inWorker = `
  import { parentPort, workerData } from 'node:worker_threads';
  const { startHostProcess } = await import(workerData.module);
  const told = [];
  for (const argv of workerData.calls) {
    const call = { ...workerData.ends, argv };
    told.push(await startHostProcess(call).then(({ exit }) => exit, ({ code, message }) => ({ code, message })));
  }
  parentPort.postMessage(told);
`;

it('the end of a host program is told alike on the main thread and in a worker', async () => {
  const calls = [
    ['sh', '-c', 'exit 3'],
    ['/bin/sh', '-c', 'kill -s TERM $$'],
  ] as const;
  const expected = [
    { code: 3, signal: null },
    { code: null, signal: 15 },
  ];
  for (const [at, argv] of calls.entries()) {
    expect(await (await startHostProcess({ ...ends, argv })).exit).toStrictEqual(expected[at]);
  }
  const missing = ['/no/such/program'];
  const failure = await startHostProcess({ ...ends, argv: ['/no/such/program'] }).catch((error: unknown) => error);
  expect(isBoxError(failure, 'ERR_BOX_LAUNCH_FAILED')).toBe(true);
  const module = new URL('./host-process.ts', import.meta.url).href;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(inWorker)}`), {
    workerData: { module, calls: [...calls, missing], ends },
  });
  const [told] = await once(worker, 'message');
  await worker.terminate();
  expect(told.slice(0, 2)).toStrictEqual(expected);
  expect(told[2]).toMatchObject({ code: 'ERR_BOX_LAUNCH_FAILED', message: expect.stringContaining('ENOENT') });
});
