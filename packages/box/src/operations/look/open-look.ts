import type { Image, PrepareOptions, Stage, StageContext } from '@boxkit/contracts';
import { composeStages, defineStage } from '@boxkit/core';
import { digestContents, type IndexedImage, openIndexedImage, type WantedContents } from '@boxkit/layer-applier';
import type { UnpackOptions } from '../../options.ts';
import { applyLimits } from '../apply-limits.ts';
import { disposeWith, openScope, platformOption } from '../machine.ts';
import type { Machine } from '../machine.ts';
import { obtain } from '../obtain.ts';
import { storedBlobs } from '../stored-blobs.ts';
import { usageBelow } from './disk-usage.ts';
import { findPaths, imagePath, listPath } from './entries.ts';
import { historySteps } from './history.ts';
import type { ImageLook } from './image-look.ts';
import { layerReports } from './layer-reports.ts';
import { walkLayer } from './walk-layer.ts';
import { walkImage } from './walk.ts';
import { originOf } from './why.ts';

/** A look at an image, with what it is answered from. */
export interface IndexedLook extends ImageLook {
  readonly indexed: IndexedImage;
}

/** A look at an image, and at the contents of its files. */
export interface LookWithContents extends IndexedLook {
  /** See digestContents. */
  digests(this: void, wanted: WantedContents): Promise<Uint8Array>;
}

interface Indexed {
  readonly image: Image;
  readonly indexed: IndexedImage;
}

/** Answers from the indexes of the layers, which are written where there are none; nothing is extracted. */
export async function openLook(text: string, options: UnpackOptions, machine: Machine): Promise<ImageLook> {
  return openIndexed(text, options, machine);
}

/** The same, with the indexes put together. */
export async function openIndexed(text: string, options: UnpackOptions, machine: Machine): Promise<IndexedLook> {
  return openWith(text, options, machine, async (image, context, how) => {
    const indexed = await openIndexedImage(image, context, how);
    return { ...lookAt({ image, indexed }), indexed };
  });
}

/** For questions that need what is in the files too; still nothing is extracted. */
export async function openWithContents(
  text: string,
  options: UnpackOptions,
  machine: Machine,
): Promise<LookWithContents> {
  return openWith(text, options, machine, async (image, context, how) => {
    const indexed = await openIndexedImage(image, context, how);
    // The source is closed by the time that contents are asked for.
    const stored = { blobs: storedBlobs(context.store) };
    const { signal } = context;
    const digests = (wanted: WantedContents): Promise<Uint8Array> =>
      digestContents(wanted, stored, context, { signal, ...(how.budgets && { budgets: how.budgets }) });
    return { ...lookAt({ image, indexed }), indexed, digests };
  });
}

type Open<Look> = (image: Image, context: StageContext, options: PrepareOptions) => Promise<Look>;

async function openWith<Look extends ImageLook>(
  text: string,
  options: UnpackOptions,
  machine: Machine,
  open: Open<Look>,
): Promise<Look> {
  const scope = openScope(machine, options);
  return disposeWith(scope, async () => {
    const platform = await platformOption(options.platform);
    const { pull, concurrency } = options;
    const stage: Stage<Image, Look> = defineStage('apply', async (image, context) =>
      open(image, context, {
        ...(concurrency === undefined ? {} : { concurrency }),
        ...applyLimits(options),
        budgets: { ...machine.config.budgets, ...options.budgets },
      }),
    );
    // In the place of `apply`: its output is not the one that plugins' stages after it expect.
    const stages = { ...scope.stages, apply: () => stage as never };
    const how = { ...platform, ...(pull && { pull }), ...(concurrency && { concurrency }), apply: {} };
    const { found, row } = await obtain(text, how, { ...scope, stages });
    const afterApply = scope.plugins.registry.stagesAfter('apply').length;
    const whole = composeStages(row.slice(0, row.length - afterApply));
    return (await whole.run(found.reference as never, scope.context)) as Look;
  });
}

function lookAt({ image, indexed }: Indexed): ImageLook {
  return {
    image,
    config: image.imageConfig,
    layers: () => layerReports(image, indexed),
    history: () => historySteps(image),
    *entries() {
      for (const entry of indexed.shown()) yield imagePath(entry);
    },
    list: (path) => listPath(indexed, path),
    find: (pattern) => findPaths(indexed, pattern),
    why: (path) => originOf(image, indexed, path),
    usage: (path, { depth = 1 } = {}) => usageBelow(indexed, path, depth),
    walk: (path, { layer, depth = Infinity } = {}) =>
      layer === undefined ? walkImage(indexed, path, depth) : walkLayer(indexed, path, { layer, depth }),
    async [Symbol.asyncDispose]() {},
  };
}
