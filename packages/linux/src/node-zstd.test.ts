import { zstdCompressSync } from 'node:zlib';
import { afterEach, expect, test, vi } from 'vitest';
import * as libc from './libc.ts';

afterEach(() => {
  vi.doUnmock('./libc.ts');
  vi.resetModules();
});

test('the zstd that Node carries decompresses, and says where a frame ends', async () => {
  const { hasZstd, ZstdDecoder } = await import('./node-zstd.ts');
  expect(hasZstd()).toBe(true);
  const decoder = new ZstdDecoder();
  const frame = zstdCompressSync(Buffer.from('what is in it'));
  const target = Buffer.alloc(100);
  expect(decoder.decode(target, frame.subarray(0, 6))).toBe(0);
  expect([decoder.consumed, decoder.atEnd]).toEqual([6, false]);
  expect(target.toString('latin1', 0, decoder.decode(target, frame.subarray(6)))).toBe('what is in it');
  expect([decoder.consumed, decoder.atEnd]).toEqual([frame.length - 6, true]);
  expect(() => decoder.decode(target, Buffer.from('no frame'))).toThrow(/frame/i);
  decoder.free();
});

test.each(['ZSTD_createDCtx', 'ZSTD_freeDCtx', 'ZSTD_decompressStream_simpleArgs'])(
  'a Node that does not show %s has none',
  async (missing) => {
    const bind = (prototype: string): libc.LibcFunction =>
      libc.bind(prototype.replace(missing, `${missing}_not_there`));
    vi.resetModules();
    vi.doMock('./libc.ts', () => ({ ...libc, bind }));
    const { hasZstd } = await import('./node-zstd.ts');
    expect(hasZstd()).toBe(false);
  },
);
