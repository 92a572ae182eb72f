import type { Image, Stage } from '@boxkit/contracts';
import { composeStages, defineStage } from '@boxkit/core';
import { openImageTree, shownEntries, type ImageTree } from '@boxkit/layer-applier';
import type { UnpackOptions } from '../../options.ts';
import { applyLimits } from '../apply-limits.ts';
import { disposeWith, openScope, platformOption } from '../machine.ts';
import type { Machine } from '../machine.ts';
import { obtain } from '../obtain.ts';
import { usageBelow } from './disk-usage.ts';
import { findPaths, imagePath, listPath } from './entries.ts';
import { historySteps } from './history.ts';
import type { ImageLook } from './image-look.ts';
import { layerReports } from './layer-reports.ts';
import { walkLayer } from './walk-layer.ts';
import { walkImage } from './walk.ts';
import { originOf } from './why.ts';

/** What lies behind a look, for questions that need two of them. */
export interface OpenImage extends ImageLook {
  readonly tree: ImageTree;
}

interface Opened {
  readonly image: Image;
  readonly tree: ImageTree;
}

export async function openLook(text: string, options: UnpackOptions, machine: Machine): Promise<OpenImage> {
  const scope = openScope(machine, options);
  return disposeWith(scope, async () => {
    const platform = await platformOption(options.platform);
    const { pull, concurrency } = options;
    const open: Stage<Image, Opened> = defineStage('apply', async (image, context) => ({
      image,
      tree: await openImageTree(image, context, {
        ...(concurrency === undefined ? {} : { concurrency }),
        ...applyLimits(options),
        budgets: { ...machine.config.budgets, ...options.budgets },
      }),
    }));
    // In the place of `apply`: its output is not the one that plugins' stages after it expect.
    const stages = { ...scope.stages, apply: () => open as never };
    const how = { ...platform, ...(pull && { pull }), ...(concurrency && { concurrency }), apply: {} };
    const { found, row } = await obtain(text, how, { ...scope, stages });
    const afterApply = scope.plugins.registry.stagesAfter('apply').length;
    const whole = composeStages(row.slice(0, row.length - afterApply));
    return lookAt((await whole.run(found.reference as never, scope.context)) as Opened);
  });
}

function lookAt({ image, tree }: Opened): OpenImage {
  return {
    image,
    tree,
    config: image.imageConfig,
    layers: () => layerReports(image, tree),
    history: () => historySteps(image),
    *entries() {
      for (const entry of shownEntries(tree)) yield imagePath(entry);
    },
    list: (path) => listPath(tree, path),
    find: (pattern) => findPaths(tree, pattern),
    why: (path) => originOf(image, tree, path),
    usage: (path, { depth = 1 } = {}) => usageBelow(tree, path, depth),
    walk: (path, { layer, depth = Infinity } = {}) =>
      layer === undefined ? walkImage(tree, path, depth) : walkLayer(tree, path, { layer, depth }),
    async [Symbol.asyncDispose]() {},
  };
}
