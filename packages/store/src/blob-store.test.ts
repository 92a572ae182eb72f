import { randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BoxEvent, Digest } from '@boxkit/contracts';
import { describe, expect, test } from 'vitest';
import { codeOf, collect, descriptorOf, never, putBlob, listed } from './testing/fixtures.ts';
import { type TemporaryStore, temporaryStore } from './testing/temporary-store.ts';

const partialOf = (t: TemporaryStore, digest: Digest): string => join(t.home, 'tmp/partial', digest.replace(':', '/'));

describe('writing a blob', () => {
  test('what is written and committed is read back, and leaves no partial file', async () => {
    await using t = await temporaryStore();
    const bytes = randomBytes(3_000_001);
    const descriptor = descriptorOf(bytes);
    expect(await t.store.blobs.has(descriptor.digest)).toBe(false);
    {
      await using writer = await t.store.blobs.write(descriptor, { signal: never });
      expect(writer?.offset).toBe(0);
      const pieces = Array.from({ length: 47 }, (_, i) => bytes.subarray(i * 65536, (i + 1) * 65536));
      await Promise.all(pieces.map(async (piece) => writer?.write(piece)));
      await writer?.commit();
    }
    expect(await t.store.blobs.has(descriptor.digest)).toBe(true);
    expect((await collect(t.store.blobs.open(descriptor.digest))).equals(bytes)).toBe(true);
    expect(existsSync(partialOf(t, descriptor.digest))).toBe(false);
    expect(await listed(t.store.blobs.list())).toEqual([{ digest: descriptor.digest, size: bytes.length }]);
  });

  test('the bytes of an awaited write can be read at the path, and the file keeps its inode', async () => {
    await using t = await temporaryStore();
    const bytes = randomBytes(200_000);
    const descriptor = descriptorOf(bytes);
    await using writer = await t.store.blobs.write(descriptor, { signal: never });
    if (writer === undefined) throw new Error('no writer');
    await writer.write(bytes.subarray(0, 70_000));
    expect(readFileSync(writer.path).equals(bytes.subarray(0, 70_000))).toBe(true);
    await writer.write(bytes.subarray(70_000));
    const { ino } = statSync(writer.path);
    await writer.commit();
    expect(statSync(t.store.blobs.pathOf(descriptor.digest)).ino).toBe(ino);
  });

  test('an empty blob is a blob', async () => {
    await using t = await temporaryStore();
    const { digest } = await putBlob(t.store, new Uint8Array());
    expect((await collect(t.store.blobs.open(digest))).length).toBe(0);
  });

  test('sha512 is as good as sha256', async () => {
    await using t = await temporaryStore();
    const digest =
      'sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f' as Digest;
    await using writer = await t.store.blobs.write({ mediaType: 'x', digest, size: 3 }, { signal: never });
    await writer?.write(Buffer.from('abc'));
    await writer?.commit();
    expect((await collect(t.store.blobs.open(digest))).toString()).toBe('abc');
  });

  test('what another writer left is hashed again and continued', async () => {
    await using t = await temporaryStore();
    const bytes = randomBytes(2_500_000);
    const descriptor = descriptorOf(bytes);
    {
      await using writer = await t.store.blobs.write(descriptor, { signal: never });
      await writer?.write(bytes.subarray(0, 1_200_000));
    }
    await using again = await t.store.blobs.write(descriptor, { signal: never });
    expect(again?.offset).toBe(1_200_000);
    await again?.write(bytes.subarray(1_200_000));
    await again?.commit();
    expect((await collect(t.store.blobs.open(descriptor.digest))).equals(bytes)).toBe(true);
  });

  test('wrong bytes in what was left are found at the commit, dropped, and not seen again', async () => {
    await using t = await temporaryStore();
    const bytes = randomBytes(100_000);
    const descriptor = descriptorOf(bytes);
    writeFileSync(partialOf(t, descriptor.digest), randomBytes(50_000));
    {
      await using writer = await t.store.blobs.write(descriptor, { signal: never });
      expect(writer?.offset).toBe(50_000);
      await writer?.write(bytes.subarray(50_000));
      expect(await codeOf(async () => writer?.commit())).toBe('ERR_BOX_DIGEST_MISMATCH');
    }
    expect(await t.store.blobs.has(descriptor.digest)).toBe(false);
    expect(existsSync(partialOf(t, descriptor.digest))).toBe(false);
    await putBlob(t.store, bytes);
  });

  test('a left file that is longer than the blob is started anew', async () => {
    await using t = await temporaryStore();
    const bytes = randomBytes(1000);
    const descriptor = descriptorOf(bytes);
    writeFileSync(partialOf(t, descriptor.digest), randomBytes(1001));
    await using writer = await t.store.blobs.write(descriptor, { signal: never });
    expect(writer?.offset).toBe(0);
    await writer?.write(bytes);
    await writer?.commit();
  });

  test('more bytes than the descriptor has are refused while they are written', async () => {
    await using t = await temporaryStore();
    const bytes = randomBytes(1000);
    await using writer = await t.store.blobs.write({ ...descriptorOf(bytes), size: 999 }, { signal: never });
    expect(await codeOf(async () => writer?.write(bytes))).toBe('ERR_BOX_SIZE_MISMATCH');
    expect(await codeOf(async () => writer?.commit())).toBe('ERR_BOX_SIZE_MISMATCH');
  });

  test('fewer bytes are refused at the commit', async () => {
    await using t = await temporaryStore();
    const bytes = randomBytes(1000);
    await using writer = await t.store.blobs.write(descriptorOf(bytes), { signal: never });
    await writer?.write(bytes.subarray(0, 10));
    expect(await codeOf(async () => writer?.commit())).toBe('ERR_BOX_SIZE_MISMATCH');
  });

  test('restart forgets what was there', async () => {
    await using t = await temporaryStore();
    const bytes = randomBytes(1000);
    await using writer = await t.store.blobs.write(descriptorOf(bytes), { signal: never });
    await writer?.write(randomBytes(900));
    await writer?.restart();
    await writer?.write(bytes);
    await writer?.commit();
    expect(await t.store.blobs.has(descriptorOf(bytes).digest)).toBe(true);
  });
});

describe('a blob that is there already', () => {
  test('is not written again', async () => {
    await using t = await temporaryStore();
    const descriptor = await putBlob(t.store, randomBytes(10));
    expect(await t.store.blobs.write(descriptor, { signal: never })).toBeUndefined();
  });

  test('with another size in the descriptor is an error of the descriptor', async () => {
    await using t = await temporaryStore();
    const descriptor = await putBlob(t.store, randomBytes(10));
    const wrong = { ...descriptor, size: 11 };
    expect(await codeOf(() => t.store.blobs.write(wrong, { signal: never }))).toBe('ERR_BOX_SIZE_MISMATCH');
  });

  test('and was cut short on the disk is written again', async () => {
    await using t = await temporaryStore();
    const bytes = randomBytes(1000);
    const { digest } = await putBlob(t.store, bytes);
    truncateSync(t.store.blobs.pathOf(digest), 500);
    await putBlob(t.store, bytes);
    expect((await collect(t.store.blobs.open(digest))).equals(bytes)).toBe(true);
  });
});

describe('two writers of one blob', () => {
  test('the second waits, says so, and finds it written', async () => {
    await using t = await temporaryStore();
    const bytes = randomBytes(1000);
    const descriptor = descriptorOf(bytes);
    const events: BoxEvent[] = [];
    const writer = await t.store.blobs.write(descriptor, { signal: never });
    const second = t.store.blobs.write(descriptor, { signal: never, emit: (event) => events.push(event) });
    await writer?.write(bytes);
    await writer?.commit();
    expect(await second).toBeUndefined();
    expect(events).toEqual([expect.objectContaining({ type: 'waiting', for: 'lock' })]);
  });

  test('the second goes on where the first gave up', async () => {
    await using t = await temporaryStore();
    const bytes = randomBytes(1000);
    const descriptor = descriptorOf(bytes);
    const writer = await t.store.blobs.write(descriptor, { signal: never });
    const second = t.store.blobs.write(descriptor, { signal: never });
    await writer?.write(bytes.subarray(0, 400));
    await writer?.[Symbol.asyncDispose]();
    await using taken = await second;
    expect(taken?.offset).toBe(400);
  });

  test('the wait ends with the signal, and its reason', async () => {
    await using t = await temporaryStore();
    const descriptor = descriptorOf(randomBytes(1000));
    await using _ = await t.store.blobs.write(descriptor, { signal: never });
    const controller = new AbortController();
    const second = t.store.blobs.write(descriptor, { signal: controller.signal });
    const reason = new Error('enough');
    setTimeout(() => controller.abort(reason), 20);
    await expect(second).rejects.toBe(reason);
  });
});

test('an abort between two writes keeps what was written', async () => {
  await using t = await temporaryStore();
  const bytes = randomBytes(1000);
  const descriptor = descriptorOf(bytes);
  const controller = new AbortController();
  {
    await using writer = await t.store.blobs.write(descriptor, { signal: controller.signal });
    await writer?.write(bytes.subarray(0, 600));
    controller.abort(new Error('enough'));
    await expect(writer?.write(bytes.subarray(600))).rejects.toThrow('enough');
  }
  await using again = await t.store.blobs.write(descriptor, { signal: never });
  expect(again?.offset).toBe(600);
});

test('a blob that is not there cannot be opened, and says what to do', async () => {
  await using t = await temporaryStore();
  const { digest } = descriptorOf(Buffer.from('nothing'));
  expect(await codeOf(() => collect(t.store.blobs.open(digest)))).toBe('ERR_BOX_BLOB_MISSING');
});

test('to delete a blob twice is no error', async () => {
  await using t = await temporaryStore();
  const { digest } = await putBlob(t.store, randomBytes(10));
  await t.store.blobs.delete(digest);
  await t.store.blobs.delete(digest);
  expect(await t.store.blobs.has(digest)).toBe(false);
});

test('files that are no blobs are not listed', async () => {
  await using t = await temporaryStore();
  appendFileSync(join(t.store.home, 'blobs/sha256/README'), 'hello');
  expect(await listed(t.store.blobs.list())).toEqual([]);
});
