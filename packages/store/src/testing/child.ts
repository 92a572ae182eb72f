/* A process that works on a store until it is done or killed: node child.ts MODE HOME [ARGUMENT...]. Tells what it did, a line a step. */
import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type DiffId, type Digest, isBoxError } from '@boxkit/contracts';
import type { DiskStore } from '../disk-store.ts';
import { openStore } from '../store.ts';
import { descriptorOf, digestOf, never, putImage } from './fixtures.ts';
import { pseudoRandomBytes } from './pseudo-random.ts';

const [mode = '', home = '', ...rest] = process.argv.slice(2);

function tell(line: string): void {
  // Synchronous: what was told has happened, and what has happened was told before the kill.
  writeSync(1, `${line}\n`);
}

async function writeBlob(store: DiskStore, seed: number, size: number): Promise<Digest> {
  const bytes = pseudoRandomBytes(seed, size);
  const descriptor = descriptorOf(bytes);
  await using writer = await store.blobs.write(descriptor, { signal: never });
  if (writer === undefined) return descriptor.digest;
  tell(`${writer.offset > 0 ? 'resumed' : 'started'} ${seed} ${writer.offset}`);
  for (let at = writer.offset; at < size; at += 16_384) {
    await writer.write(bytes.subarray(at, at + 16_384));
    // About as fast as a network.
    if (at % 131_072 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await writer.commit();
  tell(`committed ${seed} ${descriptor.digest}`);
  return descriptor.digest;
}

async function buildTree(store: DiskStore, seed: number): Promise<void> {
  const diffId = digestOf(Buffer.from(`tree ${seed}`)) as string as DiffId;
  await store.layers.ensure(
    diffId,
    async (directory) => {
      for (let i = 0; i < 30; i += 1) {
        mkdirSync(join(directory, `${i}`));
        writeFileSync(join(directory, `${i}/file`), `${i}`);
      }
    },
    { signal: never },
  );
  for (let i = 0; i < 30; i += 1) {
    if (!existsSync(join(store.layers.pathOf(diffId), `${i}/file`))) throw new Error(`half a tree: ${seed}`);
  }
}

/** Pulls images with ever new blobs until it is killed, or `count` are there. */
async function pull(count: number): Promise<void> {
  tell('ready');
  await using store = await openStore({ home });
  for (let seed = 0; seed < count; seed += 1) {
    const digest = await writeBlob(store, seed, 1000 + ((seed * 791_999) % 2_500_000));
    await buildTree(store, seed);
    const blob = { mediaType: 'x', digest, size: 0 };
    await store.images.set({
      reference: `image-${seed % 5}`,
      root: blob,
      manifest: blob,
      config: blob,
      platform: { os: 'linux', architecture: 'amd64' },
      blobs: [digest],
      layers: [],
      size: 0,
      updated: '',
    });
    await using container = await store.containers.create({ name: `container-${seed % 3}` });
    await container.update({ status: 'exited' });
  }
  tell('done');
}

/** Pulls, runs and removes the same few images again and again, and insists that nothing is taken away under it. */
async function churn(milliseconds: number): Promise<void> {
  const end = Date.now() + milliseconds;
  let rounds = 0;
  // One round at least, however slow the machine is.
  for (; rounds === 0 || Date.now() < end; rounds += 1) {
    await using store = await openStore({ home });
    const seed = `${randomInt(4)}`;
    const reference = `image-${seed}-${process.pid}`;
    const { image, layer, diffId, chainId } = await putImage(store, reference, seed);
    await store.layers.ensure(diffId, async (directory) => writeFileSync(join(directory, 'file'), ''), {
      signal: never,
    });
    const uses = { reference, layers: [diffId], rootfs: [chainId] };
    await using container = await store.containers.create({ uses });
    await new Promise((resolve) => setTimeout(resolve, randomInt(6)));
    for (const digest of image.blobs) {
      if (!existsSync(store.blobs.pathOf(digest))) throw new Error(`blob ${digest} was taken away`);
    }
    if (!existsSync(join(store.layers.pathOf(diffId), 'file'))) throw new Error(`layer ${diffId} was taken away`);
    if ((await store.images.get(reference)) === undefined) throw new Error(`image ${reference} was taken away`);
    for await (const chunk of store.blobs.open(layer.digest)) void chunk;
    await container[Symbol.asyncDispose]();
    await store.images.delete(reference);
  }
  tell(`rounds ${rounds}`);
}

/** Prunes again and again until the file `stop` is there, and once after that. */
async function prune(stop: string): Promise<void> {
  await using store = await openStore({ home });
  let removed = 0;
  for (let last = false; !last;) {
    last = existsSync(stop);
    removed += (await store.prune({ all: true })).removed.length;
  }
  tell(`removed ${removed}`);
}

async function write(seed: number, size: number): Promise<void> {
  await using store = await openStore({ home });
  await writeBlob(store, seed, size);
}

async function check(): Promise<void> {
  await using store = await openStore({ home });
  const { checked, problems } = await store.fsck();
  tell(`blobs ${checked.blobs} problems ${problems.length}`);
}

const modes: Record<string, () => Promise<void>> = {
  pull: () => pull(Number(rest[0])),
  churn: () => churn(Number(rest[0])),
  prune: () => prune(String(rest[0])),
  write: () => write(Number(rest[0]), Number(rest[1])),
  check,
};

try {
  await modes[mode]?.();
} catch (error) {
  if (!isBoxError(error)) throw error;
  tell(`error ${error.code} ${error.hint === undefined ? 'without' : 'with'} hint: ${error.message}`);
}
