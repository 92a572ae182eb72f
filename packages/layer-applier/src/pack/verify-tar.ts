import { BoxError, isBoxError, parseDiffId, type DiffId } from '@boxkit/contracts';
import { createRing, RingWriter } from '../decode/byte-ring.ts';
import { createBudgets, type BudgetLimits } from '../extract/budgets.ts';
import { ExtractFailure } from '../extract/layer-error.ts';
import { holdWorker } from '../extract/worker-pool.ts';
import type { Outcome } from '../extract/worker-protocol.ts';

export interface VerifyTarOptions {
  /** What the bytes are, for messages: "layer.tar". */
  readonly what: string;
  readonly signal: AbortSignal;
  readonly budgets?: Partial<BudgetLimits>;
}

/** What a tar turned out to be. */
export interface VerifiedTar {
  readonly diffId: DiffId;
  readonly entries: number;
  /** Bytes of the tar. */
  readonly bytes: number;
}

/** Takes in an uncompressed tar and reads it as an extraction would, in a thread of its own. Dispose of it in any case. */
export interface TarVerifier extends AsyncDisposable {
  /** Resolves when the bytes have been taken over. Throws for what was wrong with those before, as `end` does. */
  write(chunk: Uint8Array): Promise<void>;
  /**
   * No more bytes follow. Throws ERR_BOX_LAYER_INVALID for what is no tar or a damaged one, ERR_BOX_LAYER_UNSAFE,
   * _UNSUPPORTED, ERR_BOX_BUDGET_EXCEEDED; the fields name the entry and the offset.
   */
  end(): Promise<VerifiedTar>;
}

export async function verifyTar({ what, signal, budgets }: VerifyTarOptions): Promise<TarVerifier> {
  const worker = await holdWorker(signal);
  const ring = createRing(worker.memory());
  const writer = new RingWriter(ring);
  const stop = new SharedArrayBuffer(4);
  const halt = (): void => {
    Atomics.store(new Int32Array(stop), 0, 1);
    writer.stop();
  };
  signal.addEventListener('abort', halt, { once: true });
  const reading = worker.run({
    algorithm: 'sha256',
    // The ratio is for who knows the blob: see openTar.
    compressed: Number.POSITIVE_INFINITY,
    input: { kind: 'ring', ring, compression: 'none' },
    budgets: createBudgets(budgets),
    stop,
  });
  // A reader that has failed takes no more: let the writer see it. What it failed of is told by `result`.
  reading.then((outcome) => (outcome.kind === 'read' ? undefined : writer.stop()), halt);

  async function result(): Promise<VerifiedTar> {
    const outcome = await reading.catch((error: unknown) => {
      throw layerProblem(error, what);
    });
    signal.throwIfAborted();
    if (outcome.kind !== 'read') throw layerProblem(outcome, what);
    return { diffId: parseDiffId(`sha256:${outcome.digest}`), entries: outcome.entries, bytes: outcome.bytes };
  }

  return {
    async write(chunk) {
      if (await writer.write(chunk)) return;
      await result();
    },
    async end() {
      writer.end();
      return result();
    },
    async [Symbol.asyncDispose]() {
      halt();
      await reading.catch(() => {});
      signal.removeEventListener('abort', halt);
      worker.release();
    },
  };
}

/** What the layer engine found wrong, as an error about `what`; other errors pass. */
export function layerProblem(error: unknown, what: string): unknown {
  const failed = failureOf(error);
  if (failed === undefined) return error;
  const { entry, offset } = failed.fields;
  const place = entry === undefined ? '' : `${JSON.stringify(entry)}: `;
  const at = offset === undefined ? '' : ` (at byte ${offset} of the tar)`;
  const hint = failed.code === 'ERR_BOX_LAYER_INVALID' ? layerHint : failed.hint;
  return new BoxError(failed.code, `cannot use ${what} as a layer: ${place}${failed.reason}${at}`, {
    ...(hint === undefined ? {} : { hint }),
    fields: { ...failed.fields },
  });
}

const layerHint = 'A layer is a tar, plain or compressed by gzip or zstd; `box layer create DIR` makes one.';

type Failure = Extract<Outcome, { kind: 'failed' }>;

function failureOf(error: unknown): Failure | undefined {
  if (error instanceof ExtractFailure) {
    return { kind: 'failed', code: error.code, reason: error.message, hint: error.hint, fields: error.fields };
  }
  if (isBoxError(error)) return undefined;
  const outcome = error as Partial<Outcome>;
  return outcome.kind === 'failed' ? (outcome as Failure) : undefined;
}
