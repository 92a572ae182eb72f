import type { Image, Stage } from '@boxkit/contracts';
import { composeStages, defineStage } from '@boxkit/core';
import type { UnpackOptions } from '../options.ts';
import { applyLimits } from './apply-limits.ts';
import type { Machine } from './machine.ts';
import { openScope, platformOption } from './machine.ts';
import { obtain } from './obtain.ts';
import { storedBlobs } from './stored-blobs.ts';

/** The bytes of one file of an image, found as a process inside would find it; nothing is unpacked, mounted or started. */
export async function* readFile(
  text: string,
  path: string,
  options: UnpackOptions,
  machine: Machine,
): AsyncGenerator<Uint8Array, void, undefined> {
  await using scope = openScope(machine, options);
  const platform = await platformOption(options.platform);
  const { pull, concurrency } = options;
  // In the place of `apply`, which would extract the layers; what plugins put behind it expects its output.
  const keep: Stage<Image, Image> = defineStage('apply', (image) => image);
  const stages = { ...scope.stages, apply: () => keep as never };
  const how = { ...platform, ...(pull && { pull }), ...(concurrency && { concurrency }), apply: {} };
  const { found, row } = await obtain(text, how, { ...scope, stages });
  const afterApply = scope.plugins.registry.stagesAfter('apply').length;
  const whole = composeStages(row.slice(0, row.length - afterApply));
  const fetched = (await whole.run(found.reference as never, scope.context)) as Image;
  // All of it is in the store now, and the source is closed.
  const image = { ...fetched, blobs: storedBlobs(scope.store) };
  const { streamFile } = await import('@boxkit/layer-applier');
  const budgets = { ...machine.config.budgets, ...options.budgets };
  yield* streamFile(image, path, scope.context, { ...applyLimits(options), budgets });
}
