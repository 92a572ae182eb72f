import type {
  Descriptor,
  Digest,
  FetchedImage,
  Image,
  Reference,
  Stage,
  StageContext,
  StoredImage,
} from '@boxkit/contracts';
import { composeStages, defineStage } from '@boxkit/core';
import { describeStoredImage } from '@boxkit/manifest';
import type { FoundImage } from '../find-image.ts';
import type { Scope } from '../machine.ts';
import { ensureBlobs } from '../record-image.ts';
import type { OutgoingChoice } from './open-outgoing.ts';

/** Names under which an image was kept, and what they lead to. */
export interface KeptImage {
  readonly names: readonly string[];
  readonly descriptor: Descriptor;
}

/** Brings an image into the store under a name of one's own choice. The name is moved when all is there. */
export async function keepInStore(
  found: FoundImage,
  name: Reference,
  options: OutgoingChoice & { readonly concurrency?: number },
  scope: Scope,
): Promise<KeptImage> {
  const { stages, store, context } = scope;
  const { stored } = found;
  if (stored !== undefined) {
    await store.images.set({ ...stored, reference: name.text, updated: new Date().toISOString() });
    return { names: [name.text], descriptor: stored.root };
  }
  const { all: _all, ...choice } = options;
  const fetched = await stages.fetch(choice).run(found.reference, context);
  const record = await keepFetched(fetched, [name], options, scope);
  return await record();
}

/** Brings all of a fetched image into the store. The function that it resolves to gives it its names. */
export async function keepFetched(
  fetched: FetchedImage,
  names: readonly Reference[],
  { platform, all }: OutgoingChoice,
  { stages, plugins, store, context }: Scope,
): Promise<() => Promise<KeptImage>> {
  const keep: Stage<Image, StoredImage> = defineStage('store', async (image: Image, during) => {
    await ensureBlobs(image, during);
    const record = describeStoredImage(image);
    return all === true ? { ...record, ...(await ensureTree(fetched, during)) } : record;
  });
  const row = composeStages([
    ...plugins.registry.stagesAfter('fetch'),
    stages.readManifest(platform === undefined ? {} : { platform }),
    ...plugins.registry.stagesAfter('manifest'),
    keep,
  ]);
  const record = (await row.run(fetched as never, context)) as StoredImage;
  return async () => {
    for (const { text } of names) await store.images.set({ ...record, reference: text });
    return { names: names.map(({ text }) => text), descriptor: record.root };
  };
}

/** Brings all platforms of an image, so that its index can be written whole again. */
async function ensureTree(
  { reference, descriptor, blobs }: FetchedImage,
  { signal }: StageContext,
): Promise<{ readonly blobs: readonly Digest[]; readonly size: number }> {
  const { outgoingOfTree } = await import('@boxkit/fetcher');
  const open = () => Promise.reject(new Error('blobs are read by the reader'));
  const tree = await outgoingOfTree(reference, descriptor, blobs, { names: [], open, signal });
  await Promise.all(tree.blobs.map(async (blob) => await blobs.ensure?.(blob, { signal })));
  const everything = [...tree.documents.map((document) => document.descriptor), ...tree.blobs];
  return {
    blobs: everything.map(({ digest }) => digest),
    size: everything.reduce((sum, { size }) => sum + size, 0),
  };
}
