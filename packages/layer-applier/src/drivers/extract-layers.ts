import { availableParallelism } from 'node:os';
import PQueue from 'p-queue';
import { BoxError, type BoxEvent, type Image, type Layer, type PrepareOptions } from '@boxkit/contracts';
import { leftOut } from '../extract/warnings.ts';
import type { LayerWarning, StagedLayer } from '../staged-layer.ts';

export interface LayerTasks {
  readonly signal: AbortSignal;
  /** Layers at a time. */
  readonly concurrency?: number | undefined;
  /** Extracts one layer. The first to fail aborts the others. */
  extract(layer: Layer, position: number, signal: AbortSignal): Promise<StagedLayer>;
  /** Told of each layer in the image's order, as soon as it and all below it are there. */
  consume(staged: StagedLayer, position: number): Promise<void>;
}

/** More than the processors: some wait for the network while others inflate. */
const leastConcurrency = 4;

/**
 * Extracts layers many at a time and hands them on in order, whatever the order they finish in. Returns, or throws
 * the first failure, only when nothing is under way any more.
 */
export async function extractLayers(layers: readonly Layer[], tasks: LayerTasks): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([tasks.signal, stop.signal]);
  const queue = new PQueue({ concurrency: tasks.concurrency ?? Math.max(leastConcurrency, availableParallelism()) });
  const staged = layers.map(async (layer, position) =>
    queue.add(async () => {
      signal.throwIfAborted();
      return tasks.extract(layer, position, signal);
    }),
  );
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown): void => {
    failure ??= { error };
    stop.abort(error);
  };
  for (const one of staged) one.catch(fail);
  try {
    for (const [position, one] of staged.entries()) {
      const layer = await one;
      signal.throwIfAborted();
      await tasks.consume(layer, position);
    }
  } catch (error) {
    fail(error);
  }
  await Promise.allSettled(staged);
  tasks.signal.throwIfAborted();
  if (failure !== undefined) throw failure.error;
}

/** Throws where a strict caller would get a tree that was kept without all that the image has. */
export function requireComplete(
  { strict = false }: PrepareOptions,
  { reference }: Image,
  warnings: readonly LayerWarning[] = [],
): void {
  const [first] = warnings;
  if (!strict || first === undefined) return;
  const { code, message, hint, fields } = leftOut(first.code, first.message);
  throw new BoxError(code, `cannot use what the store keeps of ${reference.text}: ${message}`, {
    ...(hint === undefined ? {} : { hint }),
    fields,
  });
}

/** Says once for an image what its trees could not hold. */
export function warnOnce(warnings: readonly LayerWarning[], emit: (event: BoxEvent) => void): void {
  const byCode = new Map<string, { message: string; count: number }>();
  for (const { code, message, count } of warnings) {
    const known = byCode.get(code);
    if (known === undefined) byCode.set(code, { message, count });
    else known.count += count;
  }
  for (const [code, { message, count }] of byCode) {
    emit({ type: 'warning', code, message: count > 1 ? `${message} (${count} entries)` : message });
  }
}
