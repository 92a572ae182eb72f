import { constants } from 'node:os';
import { BoxError } from '@boxkit/contracts';

export interface SignalWatch extends Disposable {
  /** Aborted, with ERR_BOX_ABORTED, by the first signal that nobody took. */
  readonly signal: AbortSignal;
  /** The signal that aborted, as an exit status: 128 + its number. */
  readonly exitStatus: number | undefined;
  /** Hands signals to a function from now on, instead of aborting. */
  take(handler: (signal: NodeJS.Signals) => void): void;
}

const watched = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Turns the signals that ask a program to end into an abort. A second one ends it at once, clean-up or not. */
export function watchSignals(): SignalWatch {
  const controller = new AbortController();
  let handler: ((signal: NodeJS.Signals) => void) | undefined;
  let exitStatus: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (handler !== undefined) return handler(signal);
    if (exitStatus !== undefined) process.exit(exitStatus);
    exitStatus = 128 + constants.signals[signal];
    controller.abort(new BoxError('ERR_BOX_ABORTED', `stopped by ${signal}`));
  };
  for (const signal of watched) process.on(signal, onSignal);
  return {
    signal: controller.signal,
    get exitStatus() {
      return exitStatus;
    },
    take(next) {
      handler = next;
    },
    [Symbol.dispose]() {
      for (const signal of watched) process.off(signal, onSignal);
    },
  };
}
