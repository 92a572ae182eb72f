import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { openStore } from '@boxkit/store';
import type { DiskStore } from '@boxkit/store';
import { temporaryDirectory, writeTar } from '@boxkit/testkit';
import { expect, test } from 'vitest';
import { keepLayer, type KeepLayerOptions, type KeptLayer } from './keep-layer.ts';

const tar = writeTar([
  { path: 'nix/', type: 'directory' },
  { path: 'nix/hello', content: 'x'.repeat(3_000_000) },
  { path: '.wh.gone', content: '' },
  { path: 'late', type: 'hardlink', link: 'of/a/lower/layer' },
]);
const signal = new AbortController().signal;

async function* inChunks(bytes: Uint8Array, size = 100_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

interface Kept {
  readonly kept: KeptLayer;
  readonly blob: Buffer;
}

async function withStore<Result>(work: (store: DiskStore) => Promise<Result>): Promise<Result> {
  await using directory = await temporaryDirectory('keep-layer');
  await using store = await openStore({ home: join(directory.path, 'home') });
  return await work(store);
}

const keep = async (bytes: Uint8Array, options: Partial<KeepLayerOptions> = {}): Promise<Kept> =>
  withStore(async (store) => {
    const kept = await keepLayer(store, inChunks(bytes), { signal, ...options });
    const chunks: Uint8Array[] = [];
    for await (const chunk of store.blobs.open(kept.descriptor.digest)) chunks.push(chunk);
    return { kept, blob: Buffer.concat(chunks) };
  });

test('a plain tar is compressed by gzip, and both its digests are its own', async () => {
  const { kept, blob } = await keep(tar);
  expect(gunzipSync(blob).equals(tar)).toBe(true);
  expect(kept).toEqual({
    descriptor: {
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      digest: sha256(blob),
      size: blob.length,
    },
    diffId: sha256(tar),
    entries: 4,
    bytes: tar.length,
  });
});

test('what comes compressed is kept as it is', async () => {
  for (const [bytes, type] of [
    [gzipSync(tar, { level: 2 }), 'tar+gzip'],
    [zstdCompressSync(tar), 'tar+zstd'],
  ] as const) {
    const { kept, blob } = await keep(bytes);
    expect(blob.equals(bytes)).toBe(true);
    expect(kept.descriptor.mediaType).toBe(`application/vnd.oci.image.layer.v1.${type}`);
    expect(kept.diffId).toBe(sha256(tar));
  }
});

test('a compression that is asked for is given, from any other', async () => {
  const zstd = await keep(gzipSync(tar), { compression: 'zstd', level: 5 });
  expect(zstdDecompressSync(zstd.blob).equals(tar)).toBe(true);
  const none = await keep(gzipSync(tar), { compression: 'none' });
  expect(none.blob.equals(tar)).toBe(true);
  expect(none.kept.descriptor.digest).toBe(none.kept.diffId);
  const same = await keep(tar, { compression: 'keep' });
  expect(same.blob.equals(tar)).toBe(true);
});

const text = Buffer.from('no tar at all\n'.repeat(100));
const damaged = Buffer.from(gzipSync(tar));
damaged.fill(0x55, 1000, 1400);
const huge = writeTar([{ path: 'big', content: '', size: 2 ** 33 }], { end: false });
const bomb = zstdCompressSync(Buffer.concat([huge, Buffer.alloc(65 * 2 ** 20)]));

test.each([
  ['text', text, 'ERR_BOX_LAYER_INVALID'],
  ['nothing', Buffer.alloc(0), 'ERR_BOX_LAYER_INVALID'],
  ['a tar that was cut off', tar.subarray(0, 2_000_000), 'ERR_BOX_LAYER_INVALID'],
  ['a gzip that was cut off', gzipSync(tar).subarray(0, 2000), 'ERR_BOX_LAYER_INVALID'],
  ['a damaged gzip', damaged, 'ERR_BOX_LAYER_INVALID'],
  ['text in gzip', gzipSync(text), 'ERR_BOX_LAYER_INVALID'],
  ['xz', Buffer.from('fd377a585a000004', 'hex'), 'ERR_BOX_LAYER_UNSUPPORTED'],
  ['a name that leaves the root', writeTar([{ path: '../x', content: '' }]), 'ERR_BOX_LAYER_UNSAFE'],
  [
    'a hardlink that leaves the root',
    writeTar([{ path: 'x', type: 'hardlink', link: '../../x' }]),
    'ERR_BOX_LAYER_UNSAFE',
  ],
  ['a component that is too long', writeTar([{ path: 'n'.repeat(300), content: '' }]), 'ERR_BOX_BUDGET_EXCEEDED'],
  ['a bomb', bomb, 'ERR_BOX_BUDGET_EXCEEDED'],
])('%s is refused by name, and leaves nothing in the store', async (_name, bytes, code) => {
  for (const compression of [undefined, 'keep', 'gzip', 'zstd'] as const) {
    await withStore(async (store) => {
      const options = { signal, what: 'layer.tar', ...(compression && { compression }) };
      await expect(keepLayer(store, inChunks(bytes), options)).rejects.toMatchObject({
        code,
        message: expect.stringContaining('cannot use layer.tar as a layer: ') as string,
        hint: expect.any(String) as string,
      });
      for await (const { digest } of store.blobs.list()) throw new Error(`${digest} stayed`);
      expect(readdirSync(join(store.home, 'tmp')).filter((name) => name !== 'partial')).toEqual([]);
    });
  }
});

test('an error of the source, and an abort, end it and leave nothing', async () => {
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield tar.subarray(0, 1_000_000);
    throw new Error('the source is gone');
  }
  const stop = new AbortController();
  async function* stopping(): AsyncGenerator<Uint8Array> {
    yield tar.subarray(0, 1_000_000);
    stop.abort(new Error('stopped'));
    yield tar.subarray(1_000_000);
  }
  await withStore(async (store) => {
    await expect(keepLayer(store, failing(), { signal })).rejects.toThrow('the source is gone');
    await expect(keepLayer(store, stopping(), { signal: stop.signal })).rejects.toThrow('stopped');
    expect(readdirSync(join(store.home, 'tmp')).filter((name) => name !== 'partial')).toEqual([]);
  });
});

test('a level that the compression has not is an error of usage', async () => {
  await withStore(async (store) => {
    await expect(keepLayer(store, inChunks(tar), { signal, compression: 'zstd', level: 30 })).rejects.toMatchObject({
      code: 'ERR_BOX_USAGE',
    });
  });
});
