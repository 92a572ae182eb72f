import type { BoxEvent, Logger, StageContext, Store } from '@boxkit/contracts';
import { asOne, createCleanups } from './cleanups.ts';
import { createEventHub } from './event-hub.ts';

export interface ContextOptions {
  readonly store: Store;
  /** Aborts everything run with this context; default: never. */
  readonly signal?: AbortSignal;
  /** Called for every event, in order. One that throws is reported as a warning to nobody but itself. */
  readonly onEvent?: (event: BoxEvent) => void;
  /** Default: silent. */
  readonly logger?: Logger;
}

/** A stage context with a lifetime: disposing of it runs what stages deferred and nothing else took over. */
export interface Context extends StageContext, AsyncDisposable {}

/** Makes what stages are handed beside their input. */
export function createContext(options: ContextOptions): Context {
  const hub = createEventHub();
  if (options.onEvent !== undefined) hub.subscribe(options.onEvent);
  const cleanups = createCleanups();
  return {
    store: options.store,
    signal: options.signal ?? new AbortController().signal,
    logger: options.logger ?? silentLogger,
    emit: (event) => hub.emit(event),
    defer: (cleanup) => cleanups.add(cleanup),
    async [Symbol.asyncDispose]() {
      const failures: unknown[] = [];
      await cleanups.run((failure) => failures.push(failure));
      hub.close();
      if (failures.length > 0) throw asOne(failures);
    },
  };
}

export const silentLogger: Logger = { debug: () => {}, warn: () => {} };
