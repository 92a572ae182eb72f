import { once } from 'node:events';
import type { BlobStream, IdMap } from '@boxkit/contracts';
import { BoxError } from '@boxkit/contracts';
import { extractLayer } from '../extract/extract-layer.ts';
import type { LayerBudgets } from '../extract/budgets.ts';
import type { ExtractOptions, Ownership, StagedLayer } from '../staged-layer.ts';
import { startRootfsProcess, type RootfsProcess } from './rootfs-process.ts';

/** Extracts one layer as the id map asks. */
export type Extract = (options: Omit<ExtractOptions, 'ownership'>) => Promise<StagedLayer>;

/** With subordinate ids each layer is extracted by a process inside the user namespace, else by this one's threads. */
export function extractorFor(idMap: IdMap): Extract {
  const ownership: Ownership = idMap.kind;
  if (idMap.kind !== 'subordinate') return (options) => extractLayer({ ...options, ownership });
  return (options) => extractInNamespace(idMap, { ...options, ownership });
}

async function extractInNamespace(idMap: IdMap, options: ExtractOptions): Promise<StagedLayer> {
  const { stream, signal, emit, budgets, ...rest } = options;
  const stop = new AbortController();
  await using worker = startRootfsProcess(idMap, AbortSignal.any([signal, stop.signal]));
  const { path } = stream;
  const fed = path === undefined ? feed(stream, worker) : Promise.resolve();
  const extracted = worker.run<{ staged: StagedLayer; spent: readonly [bigint, bigint] }>(
    { kind: 'extract', path, options: { ...rest, limits: remaining(budgets) } },
    emit,
  );
  // A blob that cannot be had ends the process; what it says then is of no interest.
  fed.catch((error: unknown) => stop.abort(error));
  const [{ staged, spent }] = await Promise.all([extracted, fed]);
  spend(budgets, spent);
  return staged;
}

async function feed(stream: BlobStream, { blob }: RootfsProcess): Promise<void> {
  for await (const chunk of stream) {
    // The process ended: its own error is told by the job.
    if (blob.destroyed) return;
    if (!blob.write(chunk)) await Promise.race([once(blob, 'drain'), once(blob, 'close')]);
  }
  blob.end();
}

/** Processes share no memory: each starts with what the image may still cost, and its share is added when it is done. */
function remaining({ limits, spent }: LayerBudgets): LayerBudgets['limits'] {
  const [bytes = 0n, entries = 0n] = new BigInt64Array(spent);
  // At least one: what is spent already is told by the first that costs more.
  return {
    ...limits,
    bytes: Math.max(1, limits.bytes - Number(bytes)),
    entries: Math.max(1, limits.entries - Number(entries)),
  };
}

function spend({ limits, spent }: LayerBudgets, [bytes, entries]: readonly [bigint, bigint]): void {
  const tally = new BigInt64Array(spent);
  const total = Atomics.add(tally, 0, bytes) + bytes;
  const count = Atomics.add(tally, 1, entries) + entries;
  if (total <= BigInt(limits.bytes) && count <= BigInt(limits.entries)) return;
  throw new BoxError('ERR_BOX_BUDGET_EXCEEDED', 'cannot extract the image: its layers together pass its budget', {
    hint: 'Raise the budget if you trust the image.',
    fields: { bytes: Number(total), entries: Number(count), limits },
  });
}
