import type { BoxEvent, Image, ImageSource, PluginHost } from '@boxkit/contracts';
import { describeStoredImage, readManifest } from '@boxkit/manifest';
import { openStore, type DiskStore } from '@boxkit/store';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { download } from './download.ts';
import { fetch, type FetchOptions } from './fetch.ts';
import { registryPlugin, type RegistryPluginOptions } from './registry/index.ts';

export interface PullOptions extends RegistryPluginOptions {
  readonly fetch?: Partial<FetchOptions>;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: BoxEvent) => void;
}

export interface Pulled {
  readonly image: Image;
  readonly events: readonly BoxEvent[];
}

/** Quick to try again, patient with a machine that has more to do. */
export const quick: RegistryPluginOptions = {
  env: {},
  registries: {},
  findCredential: () => Promise.resolve(undefined),
  retry: { attempts: 4, baseDelay: 5, maxDelay: 20 },
  idleTimeout: 20_000,
};

/** The source that the plugin contributes. */
export async function sourceOf(options: RegistryPluginOptions): Promise<ImageSource> {
  const sources: ImageSource[] = [];
  await registryPlugin(options).setup({
    addSource: (source: ImageSource) => sources.push(source),
    addDestination() {},
  } as unknown as PluginHost);
  const [source] = sources;
  if (source === undefined) throw new Error('the plugin contributed nothing');
  return source;
}

/** Fetches, reads the manifest, downloads all layers, and keeps the image, as `box pull` does. */
export async function pull(home: string, reference: string, options: PullOptions = {}): Promise<Pulled> {
  await using store = await openStore({ home });
  return await pullInto(store, reference, options);
}

export async function pullInto(store: DiskStore, reference: string, options: PullOptions = {}): Promise<Pulled> {
  const events: BoxEvent[] = [];
  await using cleanups = new AsyncDisposableStack();
  const context = {
    signal: options.signal ?? AbortSignal.timeout(60_000),
    store,
    logger: { debug: () => {}, warn: () => {} },
    emit: (event: BoxEvent) => {
      events.push(event);
      options.onEvent?.(event);
    },
    defer: (cleanup: () => void | Promise<void>) => cleanups.defer(async () => await cleanup()),
  };
  const sources = [await sourceOf({ ...quick, ...options })];
  const fetched = await fetch({ sources, ...options.fetch }).run(reference, context);
  const image = await download().run(await readManifest().run(fetched, context), context);
  await store.images.set(describeStoredImage(image));
  return { image, events };
}

/** Whether every blob in the store is what its name says. */
export async function isSound(store: DiskStore): Promise<boolean> {
  for await (const { digest } of store.blobs.list()) {
    const bytes = await readFile(store.blobs.pathOf(digest));
    if (`sha256:${createHash('sha256').update(bytes).digest('hex')}` !== digest) return false;
  }
  return true;
}
