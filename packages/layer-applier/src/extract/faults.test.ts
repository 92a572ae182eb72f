import { spawn } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { requireRoot, runCommand, temporaryDirectory, writeTar, type TarEntry } from '@boxkit/testkit';
import type { BoxError } from '@boxkit/contracts';
import { createBudgets } from './budgets.ts';
import { extractLayer } from './extract-layer.ts';
import { layerOf, stage } from './layer.fixture.ts';

const files = Array.from({ length: 3000 }, (_, i): TarEntry => ({
  path: `d${i % 50}/f${i}`,
  content: 'x'.repeat(3000),
}));

test('an abort before the start and in the middle rejects with its reason', async () => {
  await using directory = await temporaryDirectory('faults');
  const reason = new Error('enough');
  await expect(stage(directory.path, files, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const controller = new AbortController();
  const emit = (): void => controller.abort(reason);
  await expect(stage(directory.path, files, { signal: controller.signal, emit, chunk: 4096 })).rejects.toBe(reason);
  await expect(stage(directory.path, files)).resolves.toMatchObject({ entries: 3050 });
});

test('an abort ends an extraction that waits for a source which gives nothing', async () => {
  await using directory = await temporaryDirectory('faults');
  const controller = new AbortController();
  const reason = new Error('enough');
  const tar = writeTar(files);
  async function* stalled(): AsyncGenerator<Uint8Array> {
    yield tar.subarray(0, 100_000);
    setTimeout(() => controller.abort(reason), 20);
    await new Promise((_, reject) => controller.signal.addEventListener('abort', () => reject(reason)));
  }
  const extraction = extractLayer({
    layer: layerOf(tar),
    stream: { path: undefined, [Symbol.asyncIterator]: stalled },
    directory: directory.path,
    ownership: 'single',
    privileged: false,
    whiteouts: 'record',
    budgets: createBudgets(),
    signal: controller.signal,
    emit: () => {},
  });
  await expect(extraction).rejects.toBe(reason);
});

test("a source's own error is passed on as it is", async () => {
  await using directory = await temporaryDirectory('faults');
  const broken = new Error('connection reset');
  const tar = writeTar(files);
  async function* source(): AsyncGenerator<Uint8Array> {
    yield tar.subarray(0, 100_000);
    await Promise.resolve();
    throw broken;
  }
  const options = { ownership: 'single', privileged: false, whiteouts: 'record', emit: () => {} } as const;
  const extraction = extractLayer({
    layer: layerOf(tar),
    stream: { path: undefined, [Symbol.asyncIterator]: source },
    directory: directory.path,
    budgets: createBudgets(),
    signal: new AbortController().signal,
    ...options,
  });
  await expect(extraction).rejects.toBe(broken);
});

test('more layers than workers are extracted side by side, each into its own tree', async () => {
  await using directory = await temporaryDirectory('faults');
  const layers = await Promise.all(
    Array.from({ length: 12 }, (_, i) => stage(directory.path, [{ path: `only-${i}`, content: String(i) }])),
  );
  for (const [i, layer] of layers.entries()) expect(await readdir(layer.path)).toEqual([`only-${i}`]);
});

test('a full disk, and one without inodes, is one typed error', async (context) => {
  requireRoot(context);
  for (const option of ['size=2m', 'nr_inodes=500']) {
    await using directory = await temporaryDirectory('faults');
    const disk = join(directory.path, 'disk');
    await mkdir(disk);
    await runCommand('mount', ['-t', 'tmpfs', '-o', option, 'tmpfs', disk]);
    try {
      await expect(stage(disk, files)).rejects.toMatchObject({ code: 'ERR_BOX_STORE_FULL' });
    } finally {
      await runCommand('umount', [disk]);
    }
  }
});

/** Runs an extraction in a process of its own; prints the outcome. */
async function elsewhere(directory: string, prelude: string, limit?: string): Promise<string> {
  const script = `
    import { writeTar } from '@boxkit/testkit';
    const { stage } = await import(${JSON.stringify(new URL('./layer.fixture.ts', import.meta.url).href)});
    const files = Array.from({ length: 3000 }, (_, i) => ({ path: 'd' + i % 200 + '/e/f' + i, content: 'x'.repeat(3000) }));
    ${prelude}
    try { console.log('done', (await stage(process.argv[1], files)).entries); } catch (error) { console.log(error.code, error.fields?.errno ?? ''); }
  `;
  const node = [process.execPath, '--input-type=module', '-e', script, directory];
  const argv = limit === undefined ? node : ['sh', '-c', `ulimit -n ${limit}; exec "$@"`, 'sh', ...node];
  const child = spawn(argv[0] as string, argv.slice(1), {
    cwd: new URL('.', import.meta.url),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const { promise, resolve } = Promise.withResolvers<void>();
  child.on('close', () => resolve());
  await promise;
  return output.trim();
}

test('few descriptors suffice for many directories', async () => {
  await using directory = await temporaryDirectory('faults');
  expect(await elsewhere(directory.path, '', '70')).toBe('done 3400');
});

test('running out of descriptors is one typed error, or none', async () => {
  await using directory = await temporaryDirectory('faults');
  const prelude = `const fs = await import('node:fs'); await stage(process.argv[1], []);
    try { for (;;) fs.openSync('/dev/null'); } catch {} fs.closeSync(40); fs.closeSync(41); fs.closeSync(42);`;
  expect(await elsewhere(directory.path, prelude, '120')).toMatch(/^(?:done 3400|ERR_BOX_EXTRACT_FAILED E[MN]FILE)$/);
});

test('a worker that dies is one typed error, and the next extraction has a new one', async () => {
  await using directory = await temporaryDirectory('faults');
  const prelude = `
    import { Worker } from 'node:worker_threads';
    const post = Worker.prototype.postMessage;
    let workers = 0;
    Worker.prototype.postMessage = function (...args) { post.apply(this, args); if (workers++ === 0) setTimeout(() => this.terminate(), 30); };
    async function* slow() { for (let i = 0; i < 100; i++) { yield new Uint8Array(512); await new Promise((resolve) => setTimeout(resolve, 10)); } }
    const { extractLayer } = await import(${JSON.stringify(new URL('./extract-layer.ts', import.meta.url).href)});
    const { createBudgets } = await import(${JSON.stringify(new URL('./budgets.ts', import.meta.url).href)});
    const { layerOf } = await import(${JSON.stringify(new URL('./layer.fixture.ts', import.meta.url).href)});
    const fs = await import('node:fs');
    fs.mkdirSync(process.argv[1] + '/first');
    try {
      await extractLayer({ layer: layerOf(Buffer.alloc(51200)), stream: { path: undefined, [Symbol.asyncIterator]: slow }, directory: process.argv[1] + '/first',
        ownership: 'single', privileged: false, whiteouts: 'record', budgets: createBudgets(), signal: new AbortController().signal, emit() {} });
    } catch (error) { console.log(error.code); }
  `;
  expect(await elsewhere(directory.path, prelude)).toBe('ERR_BOX_EXTRACT_FAILED\ndone 3400');
});

test('progress starts at 0 and ends at the size of the blob', async () => {
  await using directory = await temporaryDirectory('faults');
  const told: number[] = [];
  const staged = await stage(directory.path, files, {
    chunk: 65_536,
    emit: (event) => event.type === 'layer-progress' && told.push(event.processed),
  });
  expect(told[0]).toBe(0);
  expect(told.at(-1)).toBe(staged.layer.descriptor.size);
  expect(told).toEqual(told.toSorted((a, b) => a - b));
});

test('a relative directory, and one that is not empty, are refused', async () => {
  await using directory = await temporaryDirectory('faults');
  const staged = await stage(directory.path, []);
  const again = { ...staged, directory: join(staged.path, '..') };
  const options = { ownership: 'single', privileged: false, whiteouts: 'record', emit: () => {} } as const;
  const extract = (place: string): Promise<unknown> =>
    extractLayer({
      layer: staged.layer,
      stream: { path: undefined, async *[Symbol.asyncIterator]() {} },
      directory: place,
      budgets: createBudgets(),
      signal: new AbortController().signal,
      ...options,
    });
  await expect(extract('relative')).rejects.toMatchObject({ code: 'ERR_BOX_USAGE' } satisfies Partial<BoxError>);
  await expect(extract(again.directory)).rejects.toMatchObject({ code: 'ERR_BOX_EXTRACT_FAILED' });
});
