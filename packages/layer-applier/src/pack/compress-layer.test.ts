import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { requireTool, runCommand, temporaryDirectory } from '@boxkit/testkit';
import { expect, test } from 'vitest';
import { compressLayer, type CompressionOptions } from './compress-layer.ts';

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function compressed(bytes: Uint8Array, options: CompressionOptions, size = 65_536): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of compressLayer(inChunks(bytes, size), options)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Some that compresses and some that does not, longer than several blocks of either format. */
const sample = Buffer.concat([
  randomBytes(700_000),
  Buffer.from('the quick brown fox '.repeat(60_000)),
  Buffer.alloc(9 * 2 ** 20),
  randomBytes(40_000),
  Buffer.from(Array.from({ length: 200_000 }, (_, i) => `${i * i}`).join(',')),
]);

const formats = [
  { compression: 'gzip', tool: 'gzip' },
  { compression: 'zstd', tool: 'zstd' },
] as const;

test.for(formats)('$tool reads what is compressed, whatever its length', async ({ compression, tool }, context) => {
  requireTool(context, tool);
  await using directory = await temporaryDirectory('compress');
  const file = join(directory.path, 'blob');
  for (const length of [0, 1, 2 ** 19 - 1, 2 ** 19, 2 ** 19 + 1, 2 ** 23, 2 ** 23 + 1, sample.length]) {
    const bytes = sample.subarray(0, length);
    await writeFile(file, await compressed(bytes, { compression }));
    const { stdout } = await runCommand('sh', ['-c', `${tool} -dc < "$1" | sha256sum`, 'sh', file]);
    expect([length, stdout.split(' ')[0]]).toEqual([length, createHash('sha256').update(bytes).digest('hex')]);
  }
});

test.each(formats)('the chunks that $compression comes in do not show in the result', async ({ compression }) => {
  const results = [1000, 65_536, 999_983, sample.length].map(async (size) => compressed(sample, { compression }, size));
  const [first, ...others] = await Promise.all(results);
  for (const other of others) expect(other.equals(first as Buffer)).toBe(true);
});

test('what is compressed already costs gzip no time and grows by next to nothing', async () => {
  const stored = randomBytes(3 * 2 ** 20);
  expect((await compressed(stored, { compression: 'gzip', level: 9 })).length).toBeLessThan(stored.length * 1.001);
  // Blocks of both kinds beside each other, each with the other's end as its dictionary.
  const mixed = Buffer.concat([sample, stored, sample.subarray(700_000), stored]);
  expect(gunzipSync(await compressed(mixed, { compression: 'gzip' })).equals(mixed)).toBe(true);
});

test('gzip is one member without time and name', async () => {
  const blob = await compressed(sample, { compression: 'gzip' });
  expect(blob.subarray(0, 10).toString('hex')).toBe('1f8b0800000000000003');
  expect(gunzipSync(blob).equals(sample)).toBe(true);
});

test('gzip in blocks loses next to nothing against gzip in one go, at every level', async (context) => {
  requireTool(context, 'gzip');
  await using directory = await temporaryDirectory('compress');
  const file = join(directory.path, 'plain');
  await writeFile(file, sample);
  for (const level of [1, 6, 9]) {
    const { stdout } = await runCommand('sh', ['-c', `gzip -${level} -c "$1" | wc -c`, 'sh', file]);
    const { length } = await compressed(sample, { compression: 'gzip', level });
    expect(length / Number(stdout)).toBeLessThan(level === 1 ? 1.15 : 1.02);
  }
});

test.each([
  { compression: 'gzip', level: 10 },
  { compression: 'gzip', level: 1.5 },
  { compression: 'zstd', level: 0 },
  { compression: 'none', level: 1 },
] as const)('$compression has no level $level', (options) => {
  expect(() => compressLayer(inChunks(sample, 1), options)).toThrow(expect.objectContaining({ code: 'ERR_BOX_USAGE' }));
});

test('no compression is the stream itself', async () => {
  expect((await compressed(sample, { compression: 'none' })).equals(sample)).toBe(true);
});

test('the source is closed when the reader leaves, and its error ends the stream', async () => {
  let closed = false;
  async function* source(fail: boolean): AsyncGenerator<Uint8Array> {
    try {
      for (let i = 0; ; i++) {
        if (fail && i === 30) throw new Error('no more');
        yield randomBytes(65_536);
      }
    } finally {
      closed = true;
    }
  }
  for await (const chunk of compressLayer(source(false))) if (chunk.length > 10) break;
  expect(closed).toBe(true);
  const reading = async (): Promise<void> => {
    for await (const chunk of compressLayer(source(true), { compression: 'gzip' })) void chunk;
  };
  await expect(reading()).rejects.toThrow('no more');
});
