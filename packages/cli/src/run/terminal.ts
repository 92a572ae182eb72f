import { rawTerminal } from '@boxkit/box';
import type { RunningContainer } from '@boxkit/contracts';

export interface TerminalConnection extends Disposable {
  /** Resolves when all that the container wrote has been passed on. */
  drained(): Promise<void>;
}

/**
 * Connects the caller's terminal to the container's: raw, so that every key (Ctrl-C too) reaches the container, and
 * with the window's size following.
 */
export function connectTerminal(
  container: RunningContainer,
  options: { readonly interactive: boolean },
): TerminalConnection {
  const { stdin, stdout } = process;
  const output = container.stdout;
  const ended = new Promise<void>((resolve) => {
    if (output === null) return resolve();
    output.once('close', resolve);
    output.once('error', () => resolve());
  });
  output?.pipe(stdout, { end: false });
  const resize = (): void => container.resize?.(stdout.columns, stdout.rows);
  if (stdout.isTTY) {
    resize();
    stdout.on('resize', resize);
  }
  const raw = options.interactive && stdin.isTTY ? rawTerminal(stdin.fd) : undefined;
  if (options.interactive && container.stdin !== null) stdin.pipe(container.stdin);
  return {
    drained: () => ended,
    [Symbol.dispose]() {
      stdout.off('resize', resize);
      if (container.stdin !== null) stdin.unpipe(container.stdin);
      raw?.[Symbol.dispose]();
      stdin.pause();
    },
  };
}
