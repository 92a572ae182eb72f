import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type {
  DiffId,
  DirectoryRootfs,
  IdMap,
  Image,
  LayerApplied,
  PrepareOptions,
  StageContext,
} from '@boxkit/contracts';
import { BoxError } from '@boxkit/contracts';
import { isMachineRoot } from '@boxkit/linux';
import { createBudgets } from '../extract/budgets.ts';
import { removeTree } from '../remove-tree.ts';
import { requireSpace, spaceNeeded } from '../space.ts';
import type { LayerWarning } from '../staged-layer.ts';
import { chooseIdMap } from './choose-id-map.ts';
import { cloneTree } from './clone-tree.ts';
import { extractLayers, requireComplete, warnOnce } from './extract-layers.ts';
import { extractorFor } from './extractor.ts';
import { fetchAhead } from './fetch-ahead.ts';
import { keepIndex } from './keep-index.ts';
import { readKept, writeKept } from './kept-layer.ts';
import { layerForm } from './overlay-stack.ts';
import type { RootfsWorker } from './job-runner.ts';
import { startRootfsWorker } from './rootfs-worker-client.ts';
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
    const { root } = await mergeInto(target.staging, { image, context, options, idMap, worker });
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
  if (top === undefined) {
    mkdirSync(path, { mode: 0o755 });
    return { kind: 'directory', path, idMap };
  }
  const form = layerForm(idMap);
  let built = false;
  const build = async (staging: string): Promise<void> => {
    built = true;
    await using worker = startRootfsWorker(idMap, signal);
    const work = join(staging, 'work');
    mkdirSync(work);
    const base = await keptBase(image, context, form);
    if (base !== undefined) requireComplete(options, image, base.warnings);
    const { root, warnings } = await mergeInto(work, { image, context, options, idMap, worker, ...(base && { base }) });
    await worker.run({ kind: 'publish', from: root, to: join(staging, 'tree'), children: false });
    await removeTree(work, { idMap });
    writeKept(staging, { form, whiteouts: [], opaques: [], warnings });
  };
  if ((await store.rootfs.has(top.chainId)) && readKept(store.rootfs.pathOf(top.chainId)).form !== form) {
    await store.rootfs.delete(top.chainId);
  }
  const shared = await store.rootfs.ensure(top.chainId, build, { signal, emit });
  if (!built) requireComplete(options, image, readKept(shared).warnings);
  if (!built) for (const { diffId } of image.layers) emit(present(diffId));
  await cloneTree({ from: join(shared, 'tree'), to: path, idMap, signal });
  return { kind: 'directory', path, idMap };
}

function present(diffId: DiffId): LayerApplied {
  return { type: 'layer-applied', diffId, entries: 0, bytes: 0, present: true };
}

/** A tree that the store has of the image's lower layers: only what is above it must be extracted. */
interface Base {
  readonly tree: string;
  /** How many layers are in it. */
  readonly layers: number;
  /** What it could not hold of them. */
  readonly warnings: readonly LayerWarning[];
}

/** The tallest one, made by another image that shares these layers. */
async function keptBase({ layers }: Image, { store }: StageContext, form: string): Promise<Base | undefined> {
  for (let count = layers.length - 1; count > 0; count -= 1) {
    const chainId = layers[count - 1]?.chainId;
    if (chainId === undefined || !(await store.rootfs.has(chainId))) continue;
    const path = store.rootfs.pathOf(chainId);
    const kept = readKept(path);
    if (kept.form === form) return { tree: join(path, 'tree'), layers: count, warnings: kept.warnings ?? [] };
  }
  return undefined;
}

interface MergeJob {
  readonly base?: Base;
  readonly image: Image;
  readonly context: StageContext;
  readonly options: PrepareOptions;
  readonly idMap: IdMap;
  readonly worker: RootfsWorker;
}

/** Extracts all layers below `staging` and merges each as soon as those below it are merged. */
async function mergeInto(
  staging: string,
  job: MergeJob,
): Promise<{ readonly root: string; readonly warnings: readonly LayerWarning[] }> {
  const { image, context, options, idMap, worker, base } = job;
  const layers = image.layers.slice(base?.layers ?? 0);
  await requireSpace(image, staging, await spaceNeeded(context.store, layers));
  const root = join(staging, 'root');
  const place = { root, trash: join(staging, 'trash') };
  if (base === undefined) mkdirSync(root, { mode: 0o755 });
  else await cloneTree({ from: base.tree, to: root, idMap, signal: context.signal });
  for (const { diffId } of image.layers.slice(0, base?.layers ?? 0)) {
    context.emit(present(diffId));
  }
  const extract = extractorFor(idMap);
  const budgets = createBudgets(options.budgets);
  const privileged = isMachineRoot();
  const warnings: LayerWarning[] = [];
  await using _ = fetchAhead(image, layers, context.signal);
  await extractLayers(layers, {
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
        strict: options.strict ?? false,
        signal,
        emit: (event) => context.emit(event),
      });
    },
    async consume(staged) {
      await worker.run({ kind: 'merge', place, layer: staged });
      await keepIndex(staged, context);
      warnings.push(...staged.warnings);
      const { diffId } = staged.layer;
      context.emit({ type: 'layer-applied', diffId, entries: staged.entries, bytes: staged.tarBytes, present: false });
    },
  });
  warnOnce(warnings, (event) => context.emit(event));
  return { root, warnings: [...(base?.warnings ?? []), ...warnings] };
}
