import type { StageContext } from '@boxkit/contracts';

export type Cleanup = () => void | Promise<void>;

/** What must be undone, last registered first. */
export interface Cleanups {
  add(cleanup: Cleanup): void;
  /** Runs each once. One that throws is handed to `onFailure` and keeps none of the others from running. */
  run(onFailure: (failure: unknown) => void): Promise<void>;
  readonly size: number;
}

export function createCleanups(): Cleanups {
  const stack: Cleanup[] = [];
  return {
    add(cleanup) {
      stack.push(cleanup);
    },
    async run(onFailure) {
      for (let cleanup = stack.pop(); cleanup !== undefined; cleanup = stack.pop()) {
        try {
          await cleanup();
        } catch (failure) {
          onFailure(failure);
        }
      }
    },
    get size() {
      return stack.length;
    },
  };
}

/**
 * Makes the disposal of a result run the clean-ups after its own; a result that cannot be disposed leaves them
 * to the context around it. Returns the result itself.
 */
export function deferToResult<Result>(result: Result, cleanups: Cleanups, outer: Pick<StageContext, 'defer'>): Result {
  if (cleanups.size === 0) return result;
  const failures: unknown[] = [];
  const runAll = async (): Promise<void> => {
    await cleanups.run((failure) => failures.push(failure));
    if (failures.length > 0) throw asOne(failures.splice(0));
  };
  if (!isDisposable(result) || !Object.isExtensible(result)) {
    outer.defer(runAll);
    return result;
  }
  const disposeResult = result[Symbol.asyncDispose].bind(result);
  Object.defineProperty(result, Symbol.asyncDispose, {
    configurable: true,
    value: async () => {
      try {
        await disposeResult();
      } finally {
        await runAll();
      }
    },
  });
  return result;
}

/** Several failures as one error: the only one itself, or an AggregateError. */
export function asOne(failures: readonly unknown[]): unknown {
  return failures.length === 1 ? failures[0] : new AggregateError(failures, 'several clean-ups failed');
}

function isDisposable(value: unknown): value is AsyncDisposable {
  return typeof value === 'object' && value !== null && Symbol.asyncDispose in value;
}
