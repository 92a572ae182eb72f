import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createBox } from '@boxkit/box';

/** run-library.ts REFERENCE ISOLATION: boxes a second from one program, beside bwrap started by hand on ./rootfs. */
const [reference = '', isolation = ''] = process.argv.slice(2);
const each = 60;
/** Containers over which descriptors, processes and memory are to stay as they were. */
const many = 200;

await using box = await createBox();
const stdio = { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' } as const;

async function runBox(): Promise<void> {
  await using container = await box.run(reference, { args: ['/bin/true'], isolation, ...stdio });
  const { code } = await container.exit;
  if (code !== 0) throw new Error(`status ${code}`);
}

async function runBwrap(): Promise<void> {
  const bind = ['--ro-bind', 'rootfs', '/', '--proc', '/proc', '--dev', '/dev', '--unshare-all', '--die-with-parent'];
  const child = spawn('bwrap', [...bind, '/bin/true'], { stdio: 'ignore' });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`status ${code}`);
}

async function perSecond(start: () => Promise<void>, count: number, atATime: number): Promise<string> {
  let left = count;
  const began = performance.now();
  const work = async (): Promise<void> => {
    while (left-- > 0) await start();
  };
  await Promise.all(Array.from({ length: atATime }, work));
  return ((count * 1000) / (performance.now() - began)).toFixed(0);
}

function held(): string {
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  const threads = readdirSync('/proc/self/task').length;
  const descriptors = readdirSync('/proc/self/fd').length;
  return `${descriptors} descriptors, ${threads} threads, heap ${(heapUsed / 1e6).toFixed(0)} MB, rss ${(rss / 1e6).toFixed(0)} MB`;
}

await runBox();
const figures: string[] = [];
for (const atATime of [1, 4]) {
  const [ours, theirs] = [await perSecond(runBox, each, atATime), await perSecond(runBwrap, each, atATime)];
  figures.push(`${atATime} at a time: ${ours}/s, bwrap ${theirs}/s`);
}
const before = held();
await perSecond(runBox, many, 4);
console.log(`${isolation}: ${figures.join('; ')}; before ${many} more: ${before}; after: ${held()}`);
