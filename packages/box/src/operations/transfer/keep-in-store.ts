import type { Digest, FetchedImage, Image, Reference, StageContext, StoredImage } from '@boxkit/contracts';
import { composeStages, defineStage } from '@boxkit/core';
import { describeStoredImage } from '@boxkit/manifest';
import type { FoundImage } from '../find-image.ts';
import type { Scope } from '../machine.ts';
import { ensureBlobs } from '../record-image.ts';
import type { OutgoingChoice } from './open-outgoing.ts';

/** Brings an image into the store under a name of one's own choice. The name is moved when all is there. */
export async function keepInStore(
  found: FoundImage,
  name: Reference,
  options: OutgoingChoice & { readonly concurrency?: number },
  scope: Scope,
): Promise<StoredImage> {
  const { stages, plugins, store, context } = scope;
  const { all, ...choice } = options;
  if (found.stored !== undefined && options.platform === undefined) {
    const named = { ...found.stored, reference: name.text, updated: new Date().toISOString() };
    await store.images.set(named);
    return named;
  }
  let fetched: FetchedImage | undefined;
  const remember = defineStage('remember', (input: FetchedImage) => (fetched = input));
  const keep = defineStage('store', async (image: Image, during) => {
    await ensureBlobs(image, during);
    const record = describeStoredImage({ ...image, reference: name });
    const others = all === true && fetched !== undefined ? await ensureTree(fetched, during) : undefined;
    const whole = others === undefined ? record : { ...record, ...others };
    await store.images.set(whole);
    return whole;
  });
  const row = composeStages([
    stages.fetch(choice),
    ...plugins.registry.stagesAfter('fetch'),
    remember,
    stages.readManifest(choice.platform === undefined ? {} : { platform: choice.platform }),
    ...plugins.registry.stagesAfter('manifest'),
    keep,
  ]);
  return (await row.run(found.reference as never, context)) as StoredImage;
}

/** Brings all platforms of an image, so that its index can be written whole again. */
async function ensureTree(
  { reference, descriptor, blobs }: FetchedImage,
  { signal }: StageContext,
): Promise<{ readonly blobs: readonly Digest[]; readonly size: number }> {
  const { outgoingOfTree } = await import('@boxkit/fetcher');
  const open = () => Promise.reject(new Error('opened through the reader'));
  const tree = await outgoingOfTree(reference, descriptor, blobs, { names: [], open, signal });
  await Promise.all(tree.blobs.map(async (blob) => await blobs.ensure?.(blob, { signal })));
  const everything = [...tree.documents.map((document) => document.descriptor), ...tree.blobs];
  return {
    blobs: everything.map(({ digest }) => digest),
    size: everything.reduce((sum, { size }) => sum + size, 0),
  };
}
