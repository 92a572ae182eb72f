import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import {
  digestParts,
  type IdMap,
  type Image,
  type Layer,
  type PrepareOptions,
  type StageContext,
  type Store,
} from '@boxkit/contracts';
import { isMachineRoot } from '@boxkit/linux';
import { createBudgets } from '../extract/budgets.ts';
import { readStagedLayer } from '../layer-index/read-index.ts';
import { requireSpace, spaceNeeded } from '../space.ts';
import type { StagedLayer } from '../staged-layer.ts';
import { chooseIdMap } from './choose-id-map.ts';
import { extractLayers, requireComplete, warnOnce } from './extract-layers.ts';
import { extractorFor } from './extractor.ts';
import { fetchAhead } from './fetch-ahead.ts';
import { readKept, writeKept } from './kept-layer.ts';
import { needsSettling, rootAttributes, type OrphanMarks } from './overlay-marks.ts';
import { layerForm, stackFile, stackVersion, type OverlayStack, type ReadyStack } from './overlay-stack.ts';
import type { Settled } from './overlay-settle.ts';
import type { OverlayNamespace } from './overlay-namespace.ts';
import type { RootfsWorker } from './job-runner.ts';
import { lazyRootfsWorker, startPrivilegedWorker } from './rootfs-worker-client.ts';

interface Build {
  readonly image: Image;
  readonly context: StageContext;
  readonly options: PrepareOptions;
  readonly idMap: IdMap;
  readonly form: string;
}

/** Extracts the layers that the store lacks, settles those that hang on what lies below them, and keeps how to mount them. */
export async function buildStack(image: Image, context: StageContext, options: PrepareOptions): Promise<ReadyStack> {
  const idMap = await chooseIdMap(context.store.home);
  const build = { image, context, options, idMap, form: layerForm(idMap) };
  const staged = await extractMissing(build);
  await using worker = lazyRootfsWorker(idMap, context.signal);
  const trees = await settleAll(build, staged, worker.get);
  const stack = describeStack(build, staged, trees);
  const file = stackFile(context.store, image);
  if (file !== undefined) writeStack(file, stack);
  return { stack, idMap };
}

/** The layers of the image, lowest first. The same layer twice is extracted once. */
async function extractMissing({ image, context, options, idMap, form }: Build): Promise<readonly StagedLayer[]> {
  const { store } = context;
  const emit: StageContext['emit'] = (event) => context.emit(event);
  const extract = extractorFor(idMap);
  const budgets = createBudgets(options.budgets);
  const namespace = isMachineRoot() ? 'trusted' : 'user';
  const distinct = [...new Map(image.layers.map((layer) => [layer.diffId, layer])).values()];
  const missing = await absent(store, distinct);
  if (missing.length > 0) await requireSpace(image, store.home, await spaceNeeded(store, missing));
  const byDiffId = new Map<string, StagedLayer>();
  const made = new Set<string>();
  await using _ = fetchAhead(image, missing, context.signal);
  await extractLayers(distinct, {
    signal: context.signal,
    concurrency: options.concurrency,
    async extract(layer, _position, signal) {
      await dropOtherForm(context, layer, form);
      const build = async (directory: string): Promise<void> => {
        const stream = image.blobs.open(layer.descriptor, { signal });
        const whiteouts = namespace === 'trusted' ? 'overlay' : 'overlay-user';
        const privileged = namespace === 'trusted';
        const staged = await extract({
          layer,
          stream,
          directory,
          privileged,
          whiteouts,
          budgets,
          strict: options.strict ?? false,
          signal,
          emit,
        });
        const orphans = await mark(staged, {
          directory,
          namespace,
          worker: () => startPrivilegedWorker(idMap, signal),
        });
        writeKept(directory, { form, ...orphans });
        made.add(layer.diffId);
      };
      const path = await store.layers.ensure(layer.diffId, build, { signal, emit });
      return readStagedLayer(layer, path);
    },
    async consume(staged) {
      requireComplete(options, image, staged.warnings);
      const { diffId } = staged.layer;
      byDiffId.set(diffId, staged);
      emit({
        type: 'layer-applied',
        diffId,
        entries: staged.entries,
        bytes: staged.tarBytes,
        present: !made.has(diffId),
      });
    },
  });
  const staged = image.layers.flatMap((layer) => {
    const one = byDiffId.get(layer.diffId);
    return one === undefined ? [] : [{ ...one, layer }];
  });
  warnOnce(
    distinct.flatMap(({ diffId }) => byDiffId.get(diffId)?.warnings ?? []),
    emit,
  );
  return staged;
}

async function absent(store: Store, layers: readonly Layer[]): Promise<readonly Layer[]> {
  const kept = await Promise.all(layers.map(async ({ diffId }) => store.layers.has(diffId)));
  return layers.filter((_layer, position) => kept[position] !== true);
}

/** A layer that was extracted for another id map, or when overlayfs did not work here. */
async function dropOtherForm({ store }: StageContext, layer: Layer, form: string): Promise<void> {
  if (!(await store.layers.has(layer.diffId))) return;
  if (readKept(store.layers.pathOf(layer.diffId)).form !== form) await store.layers.delete(layer.diffId);
}

/** Most layers hide nothing, and need no worker. */
async function mark(
  staged: StagedLayer,
  { directory, namespace, worker }: { directory: string; namespace: OverlayNamespace; worker: () => RootfsWorker },
): Promise<OrphanMarks> {
  if (staged.whiteouts.length === 0 && staged.opaques.length === 0) return { whiteouts: [], opaques: [] };
  await using marker = worker();
  const { path, whiteouts, opaques, impliedDirectories, deferredHardlinks } = staged;
  const layer = { path, whiteouts, opaques, impliedDirectories, deferredHardlinks };
  const options = { layer, trash: join(directory, 'trash'), namespace };
  // Awaited here: the worker ends with this block.
  const orphans = await marker.run<OrphanMarks>({ kind: 'overlay-marks', options });
  return orphans;
}

/** For each layer the trees that stand for it, topmost first: itself, upon it the patch that settles it, below it what it hides. */
async function settleAll(
  { context }: Build,
  staged: readonly StagedLayer[],
  worker: () => RootfsWorker,
): Promise<readonly (readonly string[])[]> {
  const trees: (readonly string[])[] = [];
  for (const layer of staged) {
    context.signal.throwIfAborted();
    const { patch, hides } = needsSettling(layer, orphansOf(context, layer))
      ? await settle(context, layer, lowerOf(staged, trees), worker())
      : {};
    trees.push([patch, layer.path, hides].filter((path) => path !== undefined));
  }
  return trees;
}

function orphansOf({ store }: Pick<StageContext, 'store'>, { layer }: StagedLayer): OrphanMarks {
  return readKept(store.layers.pathOf(layer.diffId));
}

/** Trees around a layer's own; undefined where none is needed. */
interface SettledTrees {
  readonly patch?: string | undefined;
  readonly hides?: string | undefined;
}

/** What settles a layer upon these very layers, kept beside it by chainID. */
async function settle(
  { store, signal }: StageContext,
  { layer, ...staged }: StagedLayer,
  lower: readonly string[],
  worker: RootfsWorker,
): Promise<SettledTrees> {
  const kept = join(store.layers.pathOf(layer.diffId), 'settled', digestParts(layer.chainId).hex);
  if (existsSync(kept)) return settledTrees(kept);
  await using staging = await store.stage('settle');
  const directory = join(staging.path, 'settled');
  const [patch, hides] = [join(directory, 'tree'), join(directory, 'hides')];
  for (const path of [patch, hides]) mkdirSync(path, { recursive: true, mode: 0o755 });
  const namespace = isMachineRoot() ? 'trusted' : 'user';
  const whole = { ...staged, layer };
  const options = { layer: whole, orphans: orphansOf({ store }, whole), lower, patch, hides, namespace } as const;
  const made = await worker.run<Settled>({ kind: 'overlay-settle', options });
  // Kept without a tree, so that nobody looks again.
  if (made.patch === 0) rmdirSync(patch);
  if (made.hides === 0) rmdirSync(hides);
  signal.throwIfAborted();
  mkdirSync(dirname(kept), { recursive: true });
  try {
    renameSync(directory, kept);
  } catch (error) {
    // Another process settled the same: what it made is as good.
    if (!existsSync(kept)) throw error;
  }
  return settledTrees(kept);
}

function settledTrees(kept: string): SettledTrees {
  const [patch, hides] = [join(kept, 'tree'), join(kept, 'hides')];
  return { patch: existsSync(patch) ? patch : undefined, hides: existsSync(hides) ? hides : undefined };
}

/**
 * The stack as overlayfs takes it, topmost first. A layer that stands in it twice keeps its upper place, as overlayfs refuses
 * the same directory twice: applied again, it hides and brings all that it did below. Nothing below an opaque root is seen.
 */
function lowerOf(staged: readonly StagedLayer[], trees: readonly (readonly string[])[]): readonly string[] {
  const lower = new Set<string>();
  for (const [position, ofLayer] of [...trees.entries()].toReversed()) {
    for (const tree of ofLayer) lower.add(tree);
    if (staged[position]?.opaques.some((path) => path === '') === true) break;
  }
  return [...lower];
}

function describeStack(
  { context, form }: Build,
  staged: readonly StagedLayer[],
  trees: readonly (readonly string[])[],
): OverlayStack {
  const withRoot = staged.findLast(({ rootEntry }) => rootEntry);
  const root =
    withRoot === undefined
      ? { mode: 0o755, uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0, mtime: `${Date.now()}000000` }
      : rootAttributes(withRoot.path, isMachineRoot() ? 'trusted' : 'user');
  return {
    version: stackVersion,
    form,
    lower: lowerOf(staged, trees).map((path) => relative(context.store.home, path)),
    root,
  };
}

function writeStack(file: string, stack: OverlayStack): void {
  mkdirSync(dirname(file), { recursive: true });
  const staged = `${file}.${process.pid}-${randomBytes(4).toString('hex')}`;
  writeFileSync(staged, JSON.stringify(stack), { mode: 0o600 });
  renameSync(staged, file);
}
