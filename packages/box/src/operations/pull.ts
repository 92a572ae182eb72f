import type { Image, StoredImage } from '@boxkit/contracts';
import { composeStages, defineStage } from '@boxkit/core';
import { describeStoredImage } from '@boxkit/manifest';
import type { PullAndKeepOptions } from '../options.ts';
import { readReference } from './find-image.ts';
import type { Machine } from './machine.ts';
import { openScope, platformOption } from './machine.ts';
import { ensureBlobs } from './record-image.ts';

/** The first two stages, and a read of every blob. The name is moved when all are there. */
export async function pull(text: string, options: PullAndKeepOptions, machine: Machine): Promise<StoredImage> {
  await using scope = openScope(machine, options);
  const platform = await platformOption(options.platform);
  const reference = await readReference(text, machine.plugins);
  const { stages, plugins, store } = scope;
  const keep = defineStage('store', async (image: Image, context) => {
    await ensureBlobs(image, context);
    const record = describeStoredImage(image);
    await store.images.set(record);
    if (options.to !== undefined) await writeTo(image, options.to, context.signal);
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

async function writeTo(image: Image, target: string, signal: AbortSignal): Promise<void> {
  const { writeImage } = await import('@boxkit/fetcher');
  await writeImage(image, target, { signal });
}
