import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DirectoryRootfs, IdMap, Image, PrepareOptions, StageContext } from '@boxkit/contracts';
import { BoxError } from '@boxkit/contracts';
import { isMachineRoot } from '@boxkit/linux';
import { createBudgets } from '../extract/budgets.ts';
import { removeTree } from '../remove-tree.ts';
import { requireSpace, spaceNeeded } from '../space.ts';
import type { LayerWarning } from '../staged-layer.ts';
import { chooseIdMap } from './choose-id-map.ts';
import { cloneTree } from './clone-tree.ts';
import { extractLayers, warnOnce } from './extract-layers.ts';
import { extractorFor } from './extractor.ts';
import { startRootfsWorker, type RootfsWorker } from './rootfs-worker-client.ts';
import { deadStagings, openTarget } from './target-directory.ts';

/** Makes a plain directory of an image's layers; see mergeDriver. */
export async function prepareMerged(
  image: Image,
  context: StageContext,
  options: PrepareOptions,
): Promise<DirectoryRootfs> {
  const idMap = await chooseIdMap(context.store.home);
  if (options.directory !== undefined)
    return unpack(image, context, { ...options, directory: options.directory }, idMap);
  if (options.containerPath === undefined) {
    throw new BoxError('ERR_BOX_USAGE', 'cannot make a rootfs: neither a directory nor a container was named');
  }
  return forContainer(image, context, { ...options, containerPath: options.containerPath }, idMap);
}

async function unpack(
  image: Image,
  context: StageContext,
  options: PrepareOptions & { readonly directory: string },
  idMap: IdMap,
): Promise<DirectoryRootfs> {
  await using storeStaging = await context.store.stage('unpack');
  const target = openTarget(options.directory, storeStaging.path);
  let done = false;
  try {
    for (const left of deadStagings(target.path)) await removeTree(left, { idMap });
    await using worker = startRootfsWorker(idMap, context.signal);
    const root = await mergeInto(target.staging, { image, context, options, idMap, worker });
    await worker.run({ kind: 'publish', from: root, to: target.path, children: target.children });
    done = true;
  } finally {
    await removeTree(target.staging, { idMap });
    if (!done) target.undo();
  }
  return { kind: 'directory', path: target.path, idMap };
}

async function forContainer(
  image: Image,
  context: StageContext,
  options: PrepareOptions & { readonly containerPath: string },
  idMap: IdMap,
): Promise<DirectoryRootfs> {
  const path = join(options.containerPath, 'rootfs');
  const { store, signal } = context;
  const emit: StageContext['emit'] = (event) => context.emit(event);
  const top = image.layers.at(-1);
  await using worker = startRootfsWorker(idMap, signal);
  if (top === undefined) {
    mkdirSync(path, { mode: 0o755 });
    return { kind: 'directory', path, idMap };
  }
  const shared = await store.rootfs.ensure(
    top.chainId,
    async (staging) => {
      const work = join(staging, 'work');
      mkdirSync(work);
      const root = await mergeInto(work, { image, context, options, idMap, worker });
      await worker.run({ kind: 'publish', from: root, to: join(staging, 'tree'), children: false });
      await removeTree(work, { idMap });
    },
    { signal, emit },
  );
  await cloneTree({ from: join(shared, 'tree'), to: path, idMap, signal });
  return { kind: 'directory', path, idMap };
}

interface MergeJob {
  readonly image: Image;
  readonly context: StageContext;
  readonly options: PrepareOptions;
  readonly idMap: IdMap;
  readonly worker: RootfsWorker;
}

/** Extracts all layers below `staging` and merges each as soon as those below it are merged. Returns the root's path. */
async function mergeInto(staging: string, { image, context, options, idMap, worker }: MergeJob): Promise<string> {
  await requireSpace(image, staging, await spaceNeeded(context.store, image.layers));
  const root = join(staging, 'root');
  const place = { root, trash: join(staging, 'trash') };
  mkdirSync(root, { mode: 0o755 });
  const extract = extractorFor(idMap);
  const budgets = createBudgets(options.budgets);
  const privileged = isMachineRoot();
  const warnings: LayerWarning[] = [];
  await extractLayers(image.layers, {
    signal: context.signal,
    concurrency: options.concurrency,
    extract(layer, position, signal) {
      const directory = join(staging, `layer-${position}`);
      mkdirSync(directory, { mode: 0o700 });
      const stream = image.blobs.open(layer.descriptor, { signal });
      return extract({
        layer,
        stream,
        directory,
        privileged,
        whiteouts: 'record',
        budgets,
        signal,
        emit: (event) => context.emit(event),
      });
    },
    async consume(staged) {
      await worker.run({ kind: 'merge', place, layer: staged });
      warnings.push(...staged.warnings);
      const { diffId } = staged.layer;
      context.emit({ type: 'layer-applied', diffId, entries: staged.entries, bytes: staged.tarBytes, present: false });
    },
  });
  warnOnce(warnings, (event) => context.emit(event));
  return root;
}
