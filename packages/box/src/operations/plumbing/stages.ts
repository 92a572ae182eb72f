import type { AppliedImage, FetchedImage, Image, PlannedContainer, RunOptions, Stage } from '@boxkit/contracts';
import { composeStages, defineStage } from '@boxkit/core';
import { describeStoredImage } from '@boxkit/manifest';
import type { Cancellable, UnpackOptions } from '../../options.ts';
import { findImage } from '../find-image.ts';
import type { Machine, Row, Scope } from '../machine.ts';
import { openScope, platformOption } from '../machine.ts';
import { ensureBlobs } from '../record-image.ts';
import { storedBlobs } from '../stored-blobs.ts';
import { readApplied, readFetched, readImage } from './documents.ts';
import { encodeApplied, encodeFetched, encodeImage, encodePlanned } from './encode.ts';
import type { JsonDocument } from './encode.ts';
import type { ApplyDocumentOptions } from './options.ts';

export async function fetchDocument(text: string, options: UnpackOptions, machine: Machine): Promise<JsonDocument> {
  await using scope = openScope(machine, options);
  const platform = await platformOption(options.platform);
  const { pull, concurrency } = options;
  const { reference, stored } = await findImage(text, { ...platform, ...(pull && { pull }) }, scope);
  const fetch: Stage<unknown, FetchedImage> =
    stored === undefined
      ? scope.stages.fetch({ ...platform, ...(concurrency && { concurrency }) })
      : defineStage('fetch', () => ({
          reference,
          descriptor: stored.root,
          blobs: storedBlobs(scope.store),
          ...platform,
        }));
  const row: Row = [fetch, ...scope.plugins.registry.stagesAfter('fetch'), keepBlobs(scope)];
  return encodeFetched(await run<FetchedImage>(row, reference, scope));
}

/** The next process has no source to ask, so what hangs below the root is brought along; the name keeps it from `prune`. */
function keepBlobs({ stages, store }: Scope): Stage<FetchedImage, FetchedImage> {
  return defineStage('store', async (fetched, context) => {
    const { platform } = fetched;
    const image = await stages.readManifest(platform === undefined ? {} : { platform }).run(fetched, context);
    await ensureBlobs(image, context);
    await store.images.set(describeStoredImage(image));
    return fetched;
  });
}

export async function manifestDocument(
  value: unknown,
  options: Pick<UnpackOptions, 'platform' | 'signal'>,
  machine: Machine,
): Promise<JsonDocument> {
  await using scope = openScope(machine, options);
  const platform = await platformOption(options.platform);
  const fetched = readFetched(value, scope.store);
  const wanted = platform.platform ?? fetched.platform;
  const stage = scope.stages.readManifest(wanted === undefined ? {} : { platform: wanted });
  const row: Row = [stage, ...scope.plugins.registry.stagesAfter('manifest')];
  return encodeImage(await run<Image>(row, fetched, scope));
}

export async function applyDocument(
  value: unknown,
  { signal, ...options }: ApplyDocumentOptions,
  machine: Machine,
): Promise<JsonDocument> {
  await using scope = openScope(machine, signal === undefined ? {} : { signal });
  const image = readImage(value, scope.store);
  const row: Row = [scope.stages.apply(options), ...scope.plugins.registry.stagesAfter('apply')];
  const applied = await run<AppliedImage>(row, image, scope);
  // Given away: the process that launches it, or removes it, is another one.
  if (applied.container !== undefined) {
    const container = await scope.store.containers.adopt(applied.container.containerId);
    await container.keep();
  }
  return encodeApplied(applied);
}

export async function isolateDocument(
  value: unknown,
  { signal, ...options }: RunOptions & Cancellable,
  machine: Machine,
): Promise<JsonDocument> {
  await using scope = openScope(machine, signal === undefined ? {} : { signal });
  const { container, ...applied } = readApplied(value, scope.store);
  const handle = container && { ...container, [Symbol.asyncDispose]: async () => {} };
  const row: Row = [scope.stages.isolate(options), ...scope.plugins.registry.stagesAfter('isolate')];
  const input: AppliedImage = { ...applied, ...(handle && { container: handle }) };
  return encodePlanned(await run<PlannedContainer>(row, input, scope));
}

async function run<Out>(row: Row, input: unknown, { context }: Scope): Promise<Out> {
  return (await composeStages(row).run(input as never, context)) as Out;
}
