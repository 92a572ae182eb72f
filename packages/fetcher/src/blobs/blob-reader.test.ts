import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { BoxEvent, Descriptor, Digest, ResolvedImage } from '@boxkit/contracts';
import { openStore, type DiskStore } from '@boxkit/store';
import { temporaryDirectory } from '@boxkit/testkit';
import { createBlobReader } from './blob-reader.ts';

const describeBytes = (bytes: Uint8Array): Descriptor => ({
  mediaType: 'application/octet-stream',
  digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest,
  size: bytes.length,
});
const bytes = Buffer.concat(
  Array.from({ length: 30_000 }, (_, at) => createHash('sha256').update(String(at)).digest()),
);
const blob = describeBytes(bytes);

interface FakeOptions {
  readonly content?: Uint8Array;
  /** Waits before the chunk with this number. */
  readonly hold?: (chunk: number) => Promise<void>;
  readonly resumable?: boolean;
}

/** A source that counts how often it is opened. */
function fakeSource(options: FakeOptions = {}): ResolvedImage & { opened: number[]; cancelled: number } {
  const content = options.content ?? bytes;
  const source = {
    descriptor: blob,
    opened: [] as number[],
    cancelled: 0,
    open: (_descriptor: Descriptor, { offset = 0, signal }: { offset?: number; signal: AbortSignal }) => {
      source.opened.push(offset);
      const startedAt = options.resumable === false ? 0 : offset;
      return Promise.resolve({ startedAt, [Symbol.asyncIterator]: () => chunks(startedAt, signal) });
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  async function* chunks(start: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    let done = false;
    try {
      for (let at = start, count = 0; at < content.length; at += 50_000, count++) {
        await options.hold?.(count);
        signal.throwIfAborted();
        yield content.subarray(at, at + 50_000);
      }
      done = true;
    } finally {
      if (!done) source.cancelled += 1;
    }
  }
  return source;
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const resources = new AsyncDisposableStack();
afterAll(() => resources.disposeAsync());
let store: DiskStore;
let events: BoxEvent[];
const emit = (event: BoxEvent): void => void events.push(event);
beforeEach(async () => {
  store = resources.use(await openStore({ home: resources.use(await temporaryDirectory('reader')).path }));
  events = [];
});

describe('createBlobReader', () => {
  it('fetches a blob once for many readers, and keeps it', async () => {
    const source = fakeSource();
    await using reader = createBlobReader(source, store, { emit });
    const streams = await Promise.all([
      collect(reader.open(blob)),
      collect(reader.open(blob)),
      reader.ensure(blob),
      reader.read(blob),
    ]);
    expect([streams[0], streams[1], streams[3]].every((read) => Buffer.from(read).equals(bytes))).toBe(true);
    expect(source.opened).toEqual([0]);
    expect(reader.open(blob).path).toBe(store.blobs.pathOf(blob.digest));
    expect(events.filter((event) => event.type === 'blob-progress').map(({ received }) => received)).toEqual(
      expect.arrayContaining([0, bytes.length]),
    );
  });

  it('yields bytes while the rest still arrives', async () => {
    const gate = Promise.withResolvers<void>();
    await using reader = createBlobReader(
      fakeSource({ hold: (chunk) => (chunk < 2 ? Promise.resolve() : gate.promise) }),
      store,
    );
    const stream = reader.open(blob);
    expect(stream.path).toBeUndefined();
    const iterator = stream[Symbol.asyncIterator]();
    const first = await iterator.next();
    expect(Buffer.from(first.value as Uint8Array).equals(bytes.subarray(0, (first.value as Uint8Array).length))).toBe(
      true,
    );
    gate.resolve();
    await iterator.return?.();
  });

  it('cancels when the last reader leaves, not before, and the next one goes on from there', async () => {
    const source = fakeSource({ hold: async (chunk) => await sleep(chunk > 5 ? 20 : 0) });
    await using reader = createBlobReader(source, store, { emit });
    const second = collect(reader.open(blob));
    for await (const _ of reader.open(blob)) break;
    expect((await second).equals(bytes)).toBe(true);
    expect(source.cancelled).toBe(0);

    await store.blobs.delete(blob.digest);
    for await (const _ of reader.open(blob)) break;
    expect(source.cancelled).toBe(1);
    expect((await collect(reader.open(blob))).equals(bytes)).toBe(true);
    expect(source.opened[2]).toBeGreaterThan(0);
    expect(events).toContainEqual(expect.objectContaining({ origin: 'resumed' }));
  });

  it('goes on with a source that can only begin at the beginning', async () => {
    const ending = new AbortController();
    await using first = createBlobReader(fakeSource({ hold: async (chunk) => await sleep(chunk > 5 ? 20 : 0) }), store);
    for await (const _ of first.open(blob, { signal: ending.signal })) break;
    await using second = createBlobReader(fakeSource({ resumable: false }), store);
    expect((await collect(second.open(blob))).equals(bytes)).toBe(true);
  });

  it.each([
    ['a wrong byte', Buffer.from(bytes).fill(1, 400_000, 400_001), 'ERR_BOX_DIGEST_MISMATCH'],
    ['a byte too few', bytes.subarray(1), 'ERR_BOX_SIZE_MISMATCH'],
    ['a byte too many', Buffer.concat([bytes, Buffer.alloc(1)]), 'ERR_BOX_SIZE_MISMATCH'],
  ])('throws instead of ending for %s, and keeps nothing', async (_name, content, code) => {
    await using reader = createBlobReader(fakeSource({ content }), store);
    await expect(collect(reader.open(blob))).rejects.toThrow(expect.objectContaining({ code }));
    await expect(reader.ensure(blob)).rejects.toThrow(expect.objectContaining({ code }));
    expect(await store.blobs.has(blob.digest)).toBe(false);
    await using again = createBlobReader(fakeSource(), store);
    expect((await collect(again.open(blob))).equals(bytes)).toBe(true);
  });

  it('never shows what an earlier process left before all of it is proven', async () => {
    await using writer = await store.blobs.write(blob, { signal: new AbortController().signal });
    await writer?.write(Buffer.alloc(100_000, 'wrong'));
    await writer?.[Symbol.asyncDispose]();
    const source = fakeSource();
    await using reader = createBlobReader(source, store);
    expect((await collect(reader.open(blob))).equals(bytes)).toBe(true);
    expect(source.opened).toEqual([100_000, 0]);
  });

  it('verifies what it reads from the store, and fetches a document anew that rotted there', async () => {
    await using reader = createBlobReader(fakeSource(), store, { emit });
    await reader.ensure(blob);
    const path = store.blobs.pathOf(blob.digest);
    const rotten = await readFile(path);
    rotten[7] = 0;
    await writeFile(path, rotten);
    await expect(collect(reader.open(blob))).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_BOX_STORE_CORRUPT' }),
    );
    await reader.ensure(blob);
    await writeFile(path, rotten);
    expect(Buffer.from(await reader.read(blob)).equals(bytes)).toBe(true);
    expect(events).toContainEqual(expect.objectContaining({ type: 'warning', code: 'blob-corrupt' }));
  });

  it('ends with the reason of an abort', async () => {
    const reason = new Error('enough');
    const ending = new AbortController();
    await using reader = createBlobReader(fakeSource({ hold: async () => await sleep(50) }), store);
    const reading = collect(reader.open(blob, { signal: ending.signal }));
    setTimeout(() => ending.abort(reason), 80);
    await expect(reading).rejects.toBe(reason);
    await expect(reader.ensure(blob, { signal: ending.signal })).rejects.toBe(reason);
  });

  it('without a source says what is missing', async () => {
    await using reader = createBlobReader(undefined, store);
    await expect(reader.read(blob)).rejects.toThrow(expect.objectContaining({ code: 'ERR_BOX_BLOB_MISSING' }));
    await expect(reader.read(blob, { limit: 10 })).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_BOX_BUDGET_EXCEEDED' }),
    );
  });

  it('brings an empty blob', async () => {
    const empty = describeBytes(new Uint8Array());
    await using reader = createBlobReader(fakeSource({ content: new Uint8Array() }), store);
    expect(await collect(reader.open(empty))).toHaveLength(0);
    await reader.ensure(empty);
    expect(await store.blobs.has(empty.digest)).toBe(true);
  });
});
