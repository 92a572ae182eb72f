import { createHash, randomBytes } from 'node:crypto';
import type { ChainId, Descriptor, DiffId, Digest, StoredImage } from '@boxkit/contracts';
import type { DiskStore } from '../disk-store.ts';

/** A signal that never fires. */
export const never = new AbortController().signal;

export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;
}

export function descriptorOf(bytes: Uint8Array): Descriptor {
  return { mediaType: 'application/octet-stream', digest: digestOf(bytes), size: bytes.length };
}

export async function putBlob(store: DiskStore, bytes: Uint8Array): Promise<Descriptor> {
  const descriptor = descriptorOf(bytes);
  await using writer = await store.blobs.write(descriptor, { signal: never });
  await writer?.write(bytes);
  await writer?.commit();
  return descriptor;
}

/** An image with one layer, whose blobs and trees are all in the store. */
export async function putImage(store: DiskStore, reference: string, seed: string = randomBytes(8).toString('hex')) {
  const root = await putBlob(store, Buffer.from(`manifest of ${seed}`));
  const config = await putBlob(store, Buffer.from(`config of ${seed}`));
  const layer = await putBlob(store, Buffer.from(`layer of ${seed}`.repeat(5000)));
  const diffId = digestOf(Buffer.from(`diff of ${seed}`)) as string as DiffId;
  const chainId = diffId as string as ChainId;
  const image: StoredImage = {
    reference,
    root,
    manifest: root,
    config,
    platform: { os: 'linux', architecture: 'amd64' },
    blobs: [root.digest, config.digest, layer.digest],
    layers: [{ descriptor: layer, diffId, chainId }],
    size: root.size + config.size + layer.size,
    updated: new Date().toISOString(),
  };
  await store.images.set(image);
  return { image, layer, diffId, chainId };
}

export async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await listed(bytes));
}

export async function listed<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** The code of the BoxError that `work` rejects with. */
export async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return 'no error';
}
