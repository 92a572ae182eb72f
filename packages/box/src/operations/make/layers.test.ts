import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BoxEvent } from '@boxkit/contracts';
import { runCommand, temporaryDirectory } from '@boxkit/testkit';
import { afterEach, expect, test, vi } from 'vitest';
import { createLayers } from './layers.ts';

const events: BoxEvent[] = [];
const layers = createLayers({ emit: (event) => void events.push(event) });

afterEach(() => {
  vi.unstubAllEnvs();
  events.length = 0;
});

const names = async (file: string): Promise<string[]> =>
  (await runCommand('tar', ['-tf', file])).stdout.trim().split('\n');

test('what is written into the directory that is packed is not packed, again and again', async () => {
  await using directory = await temporaryDirectory('layers');
  writeFileSync(join(directory.path, 'file'), 'x');
  const output = join(directory.path, 'layer.tar.gz');
  for (let round = 0; round < 2; round++) {
    await layers.write(output, layers.create(directory.path, { output }));
    expect(await names(output)).toEqual(['file']);
    expect(readdirSync(directory.path).toSorted()).toEqual(['file', 'layer.tar.gz']);
  }
});

test('with SOURCE_DATE_EPOCH the copy of a tree is the same layer', async () => {
  await using directory = await temporaryDirectory('layers');
  const [first, second] = [join(directory.path, 'a'), join(directory.path, 'b')];
  mkdirSync(join(first, 'd'), { recursive: true });
  writeFileSync(join(first, 'd/f'), 'x');
  cpSync(first, second, { recursive: true });
  vi.stubEnv('SOURCE_DATE_EPOCH', '1000000');
  const digests = await Promise.all(
    [first, second].map(async (tree) =>
      layers.write(`${tree}.tar`, layers.create(tree, { at: '/opt', compression: 'zstd' })),
    ),
  );
  expect(digests[0]?.digest).toBe(digests[1]?.digest);
});

test('a place that cannot be written, a level that is none and a name that climbs leave what was there', async () => {
  await using directory = await temporaryDirectory('layers');
  const output = join(directory.path, 'layer.tar');
  writeFileSync(output, 'old');
  async function* full(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('begun');
    throw Object.assign(new Error('the stream broke'), { code: 'EPIPE' });
  }
  await expect(layers.write(output, full())).rejects.toThrow('the stream broke');
  for (const options of [
    { level: 11, compression: 'gzip' },
    { at: '/a/../..' },
    { level: 1, compression: 'none' },
  ] as const) {
    await expect(layers.write(output, layers.create(directory.path, options))).rejects.toMatchObject({
      code: 'ERR_BOX_USAGE',
    });
  }
  await expect(layers.write('/dev/null', layers.create(directory.path))).rejects.toMatchObject({
    code: 'ERR_BOX_USAGE',
  });
  await expect(layers.write('/dev/full/x', layers.create(directory.path))).rejects.toMatchObject({
    code: 'ERR_BOX_SYSTEM_CALL',
    hint: expect.any(String) as string,
  });
  expect(readFileSync(output, 'utf8')).toBe('old');
  expect(readdirSync(directory.path)).toEqual(['layer.tar']);
});

test('an abort ends the writing and leaves nothing', async () => {
  await using directory = await temporaryDirectory('layers');
  writeFileSync(join(directory.path, 'file'), Buffer.alloc(5_000_000));
  const stop = new AbortController();
  stop.abort(new Error('enough'));
  const { signal } = stop;
  const output = join(directory.path, 'layer.tar');
  await expect(layers.write(output, layers.create(directory.path, { signal }), { signal })).rejects.toThrow('enough');
  expect(readdirSync(directory.path)).toEqual(['file']);
});

test('names that delete are told, once with their number', async () => {
  await using directory = await temporaryDirectory('layers');
  for (const name of ['.wh.a', '.wh.b']) writeFileSync(join(directory.path, name), '');
  for await (const chunk of layers.create(directory.path)) void chunk;
  expect(events).toEqual([
    { type: 'warning', code: 'whiteout-names', message: expect.stringMatching(/: \.wh\.a and 1 more$/) as string },
  ]);
});
