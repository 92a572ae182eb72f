import type { AppliedImage, Image, Stage } from '@boxkit/contracts';
import type { ApplyStageOptions } from '../stages.ts';
import { findImage } from './find-image.ts';
import type { FindOptions, FoundImage } from './find-image.ts';
import type { ApplyStage, Deferred, FetchStage, Machine, Row } from './machine.ts';
import { recordImage } from './record-image.ts';
import { storedBlobs } from './stored-blobs.ts';

type OperationParts = Pick<Machine, 'store' | 'plugins' | 'stages'>;

export interface ObtainOptions extends FindOptions {
  readonly concurrency?: number;
  readonly apply: ApplyStageOptions;
}

/** The row from a reference to an applied image, with the stages that plugins put in between. */
export async function obtain(
  text: string,
  options: ObtainOptions,
  machine: OperationParts,
): Promise<{ readonly found: FoundImage; readonly row: Row }> {
  const { plugins, stages } = machine;
  const found = await findImage(text, options, machine);
  if (found.stored === undefined || options.apply.directory !== undefined) await prepare();
  const source = closingEarly(found.stored === undefined ? stages.fetch(options) : fromStore(found, machine));
  const platform = found.stored?.requested ?? found.stored?.platform ?? options.platform;
  const row: Row = [
    source.fetch,
    ...plugins.registry.stagesAfter('fetch'),
    stages.readManifest(platform === undefined ? {} : { platform }),
    ...plugins.registry.stagesAfter('manifest'),
    source.closedBy(recordedBy(stages.apply(options.apply), machine)),
    ...plugins.registry.stagesAfter('apply'),
  ];
  return { found, row };
}

/** The stage `fetch` of an image that the store can serve alone. */
export function fromStore({ reference, stored }: FoundImage, { store }: OperationParts): FetchStage {
  return {
    name: 'fetch',
    run: async () => {
      if (stored === undefined) throw new TypeError('only for an image that is stored');
      return { reference, descriptor: stored.root, blobs: storedBlobs(store) };
    },
  };
}

/** What extracts takes as long to start as a registry to answer. */
async function prepare(): Promise<void> {
  const { prepareExtraction } = await import('@boxkit/layer-applier/prepare');
  prepareExtraction();
}

/** `apply` that also keeps the image under its name once all of it is verified. */
function recordedBy(apply: ApplyStage, { store }: OperationParts): Stage<Image, AppliedImage> {
  return {
    name: apply.name,
    async run(image, context) {
      const applied = await apply.run(image, context).catch(async (error: unknown) => {
        const { removeDamagedBlobs } = await import('./remove-damaged-blobs.ts');
        if (!(await removeDamagedBlobs(error, image, context))) throw error;
        return apply.run(image, context);
      });
      await recordImage(image, store, context);
      return applied;
    },
  };
}

/**
 * A source's connections and temporary files are wanted until the layers are applied, not for as long as the
 * container lives: what `fetch` defers is run when the stage that `closedBy` wraps has ended.
 */
function closingEarly(fetch: FetchStage): { readonly fetch: FetchStage; closedBy(last: ApplyStage): ApplyStage } {
  const deferred: Deferred[] = [];
  const close = async (): Promise<void> => {
    for (let cleanup = deferred.pop(); cleanup !== undefined; cleanup = deferred.pop()) await cleanup();
  };
  return {
    fetch: {
      name: fetch.name,
      async run(input, context) {
        context.defer(close);
        return fetch.run(input, {
          ...context,
          emit: (event) => context.emit(event),
          defer: (one) => deferred.push(one),
        });
      },
    },
    closedBy: (last) => ({
      name: last.name,
      async run(image, context) {
        const applied = await last.run(image, context);
        await close();
        return applied;
      },
    }),
  };
}
