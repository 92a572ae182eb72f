import { BoxError } from '@boxkit/contracts';
import type { Pipeline, Stage, StageContext } from '@boxkit/contracts';
import { createCleanups, deferToResult } from './cleanups.ts';
import type { AnyStage, Fitting, InputOf, Last, OutputOf } from './fit.ts';

/**
 * Puts stages in a row, each output the next one's input; a row whose stages do not fit does not compile.
 * The result is a stage itself, so pipelines nest.
 *
 * Emits `stage-started` and `stage-ended` around each stage. What a stage throws comes out as it was thrown; then
 * everything registered with `context.defer` is undone in reverse order. After success the same happens when the
 * result is disposed, or, for a result that is no `AsyncDisposable`, when the context is.
 */
export function pipeline<const Stages extends readonly [AnyStage, ...AnyStage[]]>(
  ...stages: Stages & Fitting<Stages>
): Pipeline<InputOf<Stages[0]>, OutputOf<Last<Stages>>> {
  return composeStages(stages) as Pipeline<InputOf<Stages[0]>, OutputOf<Last<Stages>>>;
}

/** `pipeline` for a row that is known only at run time, whose fit nobody can check: plugins' stages among the built-in ones. */
export function composeStages(stages: readonly AnyStage[]): Pipeline<never, unknown> {
  const row = stages as readonly Stage<unknown, unknown>[];
  return {
    name: `pipeline(${row.map((stage) => stage.name).join(', ')})`,
    stages: row.map((stage) => stage.name),
    run: (input: unknown, context) => runAll(row, input, context),
  };
}

/** A stage from a name and a function. */
export function defineStage<In, Out>(
  name: string,
  run: (input: In, context: StageContext) => Promise<Out> | Out,
): Stage<In, Out> {
  return { name, run: async (input, context) => run(input, context) };
}

async function runAll(stages: readonly Stage<unknown, unknown>[], input: unknown, outer: StageContext) {
  const cleanups = createCleanups();
  const context: StageContext = {
    signal: outer.signal,
    store: outer.store,
    logger: outer.logger,
    emit: (event) => outer.emit(event),
    defer: (cleanup) => cleanups.add(cleanup),
  };
  try {
    let value = input;
    for (const stage of stages) {
      context.signal.throwIfAborted();
      value = await runOne(stage, value, context);
    }
    return deferToResult(value, cleanups, outer);
  } catch (error) {
    await cleanups.run((failure) => reportFailedCleanup(failure, outer));
    throw error;
  }
}

async function runOne(stage: Stage<unknown, unknown>, input: unknown, context: StageContext): Promise<unknown> {
  // A pipeline in a pipeline tells of its own stages; two voices for one step would only confuse.
  if ('stages' in stage) return stage.run(input, context);
  // Not performance.now(): the first look at `performance` loads node:perf_hooks, 2 ms of a container's start.
  const started = process.hrtime.bigint();
  const duration = (): number => Math.round(Number(process.hrtime.bigint() - started) / 1e6);
  context.emit({ type: 'stage-started', stage: stage.name });
  try {
    const output = await stage.run(input, context);
    context.emit({ type: 'stage-ended', stage: stage.name, duration: duration() });
    return output;
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : notAnError(stage.name, thrown);
    context.emit({ type: 'stage-ended', stage: stage.name, duration: duration(), error: codeOf(error) });
    throw error;
  }
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

function notAnError(stage: string, thrown: unknown): BoxError {
  return new BoxError('ERR_BOX_INTERNAL', `stage ${stage} threw something that is no Error`, {
    hint: 'A stage reports failure by throwing a BoxError.',
    cause: thrown,
  });
}

function reportFailedCleanup(failure: unknown, context: StageContext): void {
  const message = failure instanceof Error ? failure.message : 'something that is no Error was thrown';
  context.emit({ type: 'warning', code: 'cleanup-failed', message: `cleaning up: ${message}` });
}
