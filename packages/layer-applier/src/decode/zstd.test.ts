import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { afterEach, expect, test, vi } from 'vitest';
import { requireTool, runCommand, temporaryDirectory, writeTar } from '@boxkit/testkit';
import { extracted, failure, paths } from '../extract/layer.fixture.ts';

// Blobs below and above the size from which one is streamed; half of the tar is compressible.
const small = writeTar([
  { path: 'a', content: 'abc' },
  { path: 'z', content: Buffer.alloc(300_000, 'z') },
]);
const large = writeTar([
  { path: 'a', content: randomBytes(1_500_000) },
  { path: 'z', content: Buffer.alloc(5_000_000, 'z') },
]);
const skipped = Buffer.concat([Buffer.from('532a4d1805000000', 'hex'), Buffer.from('bytes')]);

function framed(tar: Buffer): Buffer {
  const third = Math.floor(tar.length / 3);
  const parts = [tar.subarray(0, third), Buffer.alloc(0), tar.subarray(third, 2 * third), tar.subarray(2 * third)];
  return Buffer.concat([skipped, ...parts.flatMap((part) => [zstdCompressSync(part), skipped])]);
}

const cases = [small, large].flatMap((tar) =>
  [{ BOX_INFLATE: '' }, { BOX_INFLATE: 'zlib' }].map((environment) => ({
    tar,
    ...environment,
    toString: () => `${tar.length} bytes, BOX_INFLATE=${environment.BOX_INFLATE}`,
  })),
);

afterEach(() => vi.unstubAllEnvs());

test.each(cases)(
  'frames in a row are one tar, those to be skipped are no part of it: %s',
  async ({ tar, BOX_INFLATE }) => {
    vi.stubEnv('BOX_INFLATE', BOX_INFLATE);
    const blob = framed(tar);
    for (const way of [{}, { chunk: 65_537 }, { fromFile: true }]) {
      expect(paths((await extracted(tar, { blob, ...way })).tree)).toEqual(['a', 'z']);
    }
  },
);

test.each(cases)('an early end and damage are told, wherever they are: %s', async ({ tar, BOX_INFLATE }) => {
  vi.stubEnv('BOX_INFLATE', BOX_INFLATE);
  const blob = framed(tar);
  const end = blob.length - skipped.length;
  for (const cut of [end - 1, end + 3, blob.length - 1, Math.floor(end / 2)]) {
    expect(await failure(tar, { blob: blob.subarray(0, cut) })).toMatchObject({ code: 'ERR_BOX_LAYER_INVALID' });
  }
  const damaged = Buffer.from(blob);
  // The magic number of the first frame that is not skipped.
  damaged.fill(0x55, skipped.length, skipped.length + 4);
  const followed = Buffer.concat([blob, Buffer.from('no frame')]);
  for (const wrong of [damaged, followed]) {
    expect(await failure(tar, { blob: wrong })).toMatchObject({ code: 'ERR_BOX_LAYER_INVALID' });
  }
});

/** A frame of raw blocks with this descriptor and what follows it. RFC 8878, section 3.1.1. */
function rawFrame(tar: Buffer, descriptor: number, ...rest: number[]): Buffer {
  const blocks: Buffer[] = [];
  for (let at = 0; at < tar.length; at += 100_000) {
    const content = tar.subarray(at, at + 100_000);
    const header = Buffer.alloc(3);
    header.writeUIntLE((content.length << 3) | (at + 100_000 >= tar.length ? 1 : 0), 0, 3);
    blocks.push(header, content);
  }
  return Buffer.concat([Buffer.from('28b52ffd', 'hex'), Buffer.of(descriptor, ...rest), ...blocks]);
}

test.each(cases)(
  'a window of more than 128 MiB is refused, one of 128 MiB is not: %s',
  async ({ tar, BOX_INFLATE }) => {
    vi.stubEnv('BOX_INFLATE', BOX_INFLATE);
    // The window's exponent is the upper five bits, less ten.
    const frame = (exponent: number): Buffer => rawFrame(tar, 0, (exponent - 10) << 3);
    expect(paths((await extracted(tar, { blob: frame(27) })).tree)).toEqual(['a', 'z']);
    const error = await failure(tar, { blob: frame(28) });
    expect(error).toMatchObject({ code: 'ERR_BOX_LAYER_UNSUPPORTED', message: expect.stringContaining('128 MiB') });
  },
);

test.each(cases)('a frame that wants a dictionary is refused, and says so: %s', async ({ tar, BOX_INFLATE }) => {
  vi.stubEnv('BOX_INFLATE', BOX_INFLATE);
  const error = await failure(tar, { blob: rawFrame(tar, 1, (20 - 10) << 3, 7) });
  expect(error).toMatchObject({ code: 'ERR_BOX_LAYER_UNSUPPORTED', message: expect.stringContaining('dictionary') });
});

test('an abort ends it', async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const emit = (event: { type: string; processed?: number }): void => {
    if ((event.processed ?? 0) > 0) controller.abort(reason);
  };
  const blob = zstdCompressSync(large);
  await expect(extracted(large, { blob, chunk: 50_000, signal: controller.signal, emit })).rejects.toBe(reason);
});

test('what zstd itself and pzstd make is read', async (context) => {
  requireTool(context, 'zstd', 'pzstd');
  await using directory = await temporaryDirectory('zstd');
  const path = join(directory.path, 'layer.tar');
  await writeFile(path, large);
  for (const [program, ...args] of [
    ['zstd', '-19'],
    ['zstd', '--no-check', '-1'],
    ['zstd', '--long=27'],
    ['pzstd', '-p', '2'],
  ]) {
    const { stdout } = await runCommand(program ?? '', [...args, '-c', path], { encoding: 'latin1' });
    const { tree } = await extracted(large, { blob: Buffer.from(stdout, 'latin1'), chunk: 100_000 });
    expect(paths(tree)).toEqual(['a', 'z']);
  }
});
