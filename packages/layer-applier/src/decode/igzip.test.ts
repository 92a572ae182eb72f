import { randomBytes } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test, vi } from 'vitest';
import { findTool, requireTool, temporaryDirectory, writeTar } from '@boxkit/testkit';
import { extracted, failure, paths } from '../extract/layer.fixture.ts';

const tar = writeTar([
  { path: 'random', content: randomBytes(1_500_000) },
  { path: 'zeros', content: Buffer.alloc(5_000_000) },
  { path: 'z', content: 'last' },
]);
const blob = gzipSync(tar);
const half = Math.floor(tar.length / 2);

const ways = [{ fromFile: true }, { fromFile: false, chunk: 50_000 }];

test.each(ways)('a large blob goes through igzip, from a file and as it arrives: %o', async (way) => {
  const members = Buffer.concat([gzipSync(tar.subarray(0, half)), gzipSync(tar.subarray(half)), Buffer.alloc(5000)]);
  for (const bytes of [blob, members]) {
    expect(paths((await extracted(tar, { blob: bytes, ...way })).tree)).toEqual(['random', 'z', 'zeros']);
  }
});

test.each(ways)('damage, and an early end, are told as that: %o', async (way) => {
  const damaged = Buffer.from(blob);
  damaged.fill(0x55, 1_000_000, 1_000_100);
  for (const bytes of [blob.subarray(0, blob.length - 5), blob.subarray(0, 1_200_000), damaged]) {
    expect(await failure(tar, { blob: bytes, ...way })).toMatchObject({ code: 'ERR_BOX_LAYER_INVALID' });
  }
});

test.each(ways)('an abort ends it: %o', async (way) => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const emit = (event: { type: string; processed?: number }): void => {
    if ((event.processed ?? 0) > 0) controller.abort(reason);
  };
  await expect(extracted(tar, { blob, ...way, signal: controller.signal, emit })).rejects.toBe(reason);
});

test('an igzip that dies is one typed error; one that cannot be started is done without', async (context) => {
  requireTool(context, 'igzip');
  const real = findTool('igzip') ?? '';
  await using directory = await temporaryDirectory('igzip');
  const program = join(directory.path, 'igzip');
  vi.stubEnv('PATH', `${directory.path}:${process.env['PATH']}`);
  try {
    for (const [script, code] of [
      [`#!/bin/sh\n${real} -dc | head -c 100000\nkill -9 $$\n`, 'ERR_BOX_EXTRACT_FAILED'],
      ['#!/bin/sh\nexit 3\n', 'ERR_BOX_EXTRACT_FAILED'],
      ['#!/nowhere\n', undefined],
    ] as const) {
      await writeFile(program, script);
      await chmod(program, 0o755);
      vi.resetModules();
      const fresh = await import('../extract/layer.fixture.ts');
      const outcome = await fresh.extracted(tar, { blob }).then(
        () => undefined,
        (error: { code: string }) => error.code,
      );
      expect(outcome).toBe(code);
    }
  } finally {
    vi.unstubAllEnvs();
  }
});

test('BOX_INFLATE=zlib does without it', async () => {
  vi.stubEnv('BOX_INFLATE', 'zlib');
  try {
    expect(paths((await extracted(tar, { blob })).tree)).toEqual(['random', 'z', 'zeros']);
  } finally {
    vi.unstubAllEnvs();
  }
});
