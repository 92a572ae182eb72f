import { randomBytes } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { collect, descriptorOf, listed, never } from './testing/fixtures.ts';
import { type TemporaryStore, temporaryStore } from './testing/temporary-store.ts';

const staged = (t: TemporaryStore): string[] =>
  readdirSync(join(t.home, 'tmp')).filter((name) => name.startsWith('blob-'));

test('a blob that is made here is kept under the digest of what was written', async () => {
  await using t = await temporaryStore();
  const bytes = randomBytes(1_000_001);
  await using blob = t.store.blobs.create({ signal: never });
  await Promise.all([blob.write(bytes.subarray(0, 400_000)), blob.write(bytes.subarray(400_000))]);
  const { digest, size } = descriptorOf(bytes);
  expect(await blob.commit()).toEqual({ digest, size });
  expect((await collect(t.store.blobs.open(digest))).equals(bytes)).toBe(true);
  expect(staged(t)).toEqual([]);
});

test('without a commit nothing stays', async () => {
  await using t = await temporaryStore();
  {
    await using blob = t.store.blobs.create({ signal: never });
    await blob.write(randomBytes(10));
    expect(staged(t)).toHaveLength(1);
  }
  expect(staged(t)).toEqual([]);
  expect(await listed(t.store.blobs.list())).toEqual([]);
});

test('the same bytes again take the place of a blob that was damaged', async () => {
  await using t = await temporaryStore();
  const bytes = randomBytes(1000);
  const { digest } = descriptorOf(bytes);
  for (let round = 0; round < 2; round++) {
    await using blob = t.store.blobs.create({ signal: never });
    await blob.write(bytes);
    await blob.commit();
    expect((await collect(t.store.blobs.open(digest))).equals(bytes)).toBe(true);
    writeFileSync(t.store.blobs.pathOf(digest), Buffer.alloc(1000));
  }
});

test('prune of another store leaves a new blob alone until this one is disposed of', async () => {
  await using t = await temporaryStore();
  await using other = t.store.scope();
  await using blob = t.store.blobs.create({ signal: never });
  await blob.write(Buffer.from('x'));
  await other.prune();
  const { digest } = await blob.commit();
  await other.prune();
  expect(await t.store.blobs.has(digest)).toBe(true);
});

test('an abort ends the next write', async () => {
  await using t = await temporaryStore();
  const stop = new AbortController();
  await using blob = t.store.blobs.create({ signal: stop.signal });
  stop.abort();
  await expect(blob.write(Buffer.from('x'))).rejects.toBe(stop.signal.reason);
  await expect(blob.commit()).rejects.toBe(stop.signal.reason);
});
