import type { Image, StoredImage } from '@boxkit/contracts';
import { composeStages, defineStage } from '@boxkit/core';
import { describeStoredImage } from '@boxkit/manifest';
import type { PullAndKeepOptions } from '../options.ts';
import { readReference } from './find-image.ts';
import type { Machine } from './machine.ts';
import { openScope, platformOption } from './machine.ts';
import { indexing } from './look/indexing.ts';
import { ensureBlobs } from './record-image.ts';
import { readDestination } from './transfer/places.ts';
import { writeKept } from './transfer/write-kept.ts';

/** The first two stages, and a read of every blob. The name is moved when all are there. */
export async function pull(text: string, options: PullAndKeepOptions, machine: Machine): Promise<StoredImage> {
  await using scope = openScope(machine, options);
  const platform = await platformOption(options.platform);
  const reference = await readReference(text, machine.plugins);
  const { stages, plugins, store } = scope;
  // Read first, so that a place that cannot be is told before anything is fetched.
  const to = options.to === undefined ? undefined : await readDestination(options.to, 'registry', plugins);
  const keep = defineStage('store', async (image: Image, context) => {
    const whenThere = options.index === true ? await indexing(image, context, machine) : undefined;
    await ensureBlobs(image, context, whenThere);
    const record = describeStoredImage(image);
    await store.images.set(record);
    if (to !== undefined) await writeKept(image, to, {}, scope);
    return record;
  });
  const concurrency = options.concurrency === undefined ? {} : { concurrency: options.concurrency };
  const row = composeStages([
    stages.fetch({ ...platform, ...concurrency }),
    ...plugins.registry.stagesAfter('fetch'),
    stages.readManifest(platform),
    ...plugins.registry.stagesAfter('manifest'),
    keep,
  ]);
  return (await row.run(reference as never, scope.context)) as StoredImage;
}
