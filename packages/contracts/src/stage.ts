import type { BoxEvent } from './events.ts';
import type { Store } from './store.ts';

/**
 * One step from a reference to a running process. Input and output are plain data (beside live handles such
 * as a blob reader), so a stage can be replaced, wrapped, or have another put before or after it.
 */
export interface Stage<In, Out> {
  /** Shown in events: `fetch`, `manifest`, `apply`, `isolate`, `launch`, or a stranger's own. */
  readonly name: string;
  /** Does the step. Rejects with a BoxError; an abort rejects with the signal's reason and leaves only committed content. */
  run(input: In, context: StageContext): Promise<Out>;
}

/** What every stage is handed beside its input. */
export interface StageContext {
  /** Aborts the whole pipeline. Every wait must end when it fires. */
  readonly signal: AbortSignal;
  readonly store: Store;
  readonly logger: Logger;
  /** Tells the observers. Never throws; an observer that throws is reported as a warning. */
  emit(event: BoxEvent): void;
  /**
   * Registers clean-up of something that must outlive this stage but not the pipeline's result: a rootfs, a
   * mount, an open source. Run in reverse order when the result is disposed, or at once when a stage fails.
   */
  defer(cleanup: () => void | Promise<void>): void;
}

/** Where diagnostics go that are no events; silent by default. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** A stage that does nothing but run others; made by `pipeline(...)`. */
export interface Pipeline<In, Out> extends Stage<In, Out> {
  readonly stages: readonly string[];
}
