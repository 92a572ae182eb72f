import type { Stage } from '@boxkit/contracts';

/** Some stage, whatever it takes and gives. */
export type AnyStage = Stage<never, unknown>;

/** What a stage takes. */
export type InputOf<S> = S extends { run(input: infer In, ...rest: never[]): Promise<unknown> } ? In : never;

/** What a stage gives. */
export type OutputOf<S> = S extends { run(...args: never[]): Promise<infer Out> } ? Out : never;

/** Stands in the place of a stage that cannot take what the one before it gives, so that the compiler's message names both. */
export interface Misfit<Given, Wanted> {
  readonly 'this stage cannot follow the one before it': { readonly given: Given; readonly wanted: Wanted };
}

/**
 * The stages themselves when each output fits the next input; else the first misfit replaced by a {@link Misfit},
 * which no stage is. Checked here and not by `Stage`'s own variance, because methods are compared bivariantly.
 */
export type Fitting<Stages extends readonly unknown[]> = Stages extends readonly [
  infer First,
  infer Second,
  ...infer Rest,
]
  ? OutputOf<First> extends InputOf<Second>
    ? readonly [First, ...Fitting<readonly [Second, ...Rest]>]
    : readonly [First, Misfit<OutputOf<First>, InputOf<Second>>, ...Rest]
  : Stages;

/** The last of a tuple. */
export type Last<Stages extends readonly unknown[]> = Stages extends readonly [...unknown[], infer Final]
  ? Final
  : never;
