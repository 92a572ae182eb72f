import type { RunningContainer } from '@boxkit/contracts';

const further = ['SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGCONT'] as const;

/** Hands what box is sent to the container, whose exit status then tells what came of it. */
export function forwardSignals(
  container: RunningContainer,
  take: (handler: (signal: NodeJS.Signals) => void) => void,
): Disposable {
  // A signal that comes when the container has just ended has nobody to reach.
  const forward = (signal: NodeJS.Signals): void => void container.kill(signal).catch(() => {});
  take(forward);
  for (const signal of further) process.on(signal, forward);
  return {
    [Symbol.dispose]() {
      for (const signal of further) process.off(signal, forward);
    },
  };
}
