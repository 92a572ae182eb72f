import type { ExitStatus, RunningContainer } from '@boxkit/contracts';
import type { Supervised } from '@boxkit/launcher';

/** The container that a supervisor holds, through its restarts, as those see it who ask for something. */
export class Subject implements Supervised {
  readonly exit: Promise<ExitStatus>;
  #finish: (exit: ExitStatus) => void;
  #container: RunningContainer | undefined;
  #size: readonly [columns: number, rows: number] | undefined;
  #wake: (() => void) | undefined;
  /** Whether it is to end, and not to be started again. */
  stopped = false;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<ExitStatus>();
    this.exit = promise;
    this.#finish = resolve;
  }

  /** From now on this container is meant. */
  attend(container: RunningContainer): void {
    this.#container = container;
    if (this.#size !== undefined) container.resize?.(...this.#size);
    // asked for while it was being started
    if (this.stopped) void container.stop().catch(() => {});
  }

  finish(exit: ExitStatus): void {
    this.#finish(exit);
  }

  /** Waits; false when a stop was asked for meanwhile. */
  async pause(milliseconds: number): Promise<boolean> {
    if (this.stopped) return false;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
    return !this.stopped;
  }

  async kill(signal: NodeJS.Signals | number): Promise<boolean> {
    // who ends it by hand does not want it back, as docker has it
    if (signal === 'SIGKILL' || signal === 9) this.stopped = true;
    return (await this.#container?.kill(signal)) ?? false;
  }

  async stop(timeout: number | undefined): Promise<ExitStatus> {
    this.stopped = true;
    this.#wake?.();
    await this.#container?.stop(timeout === undefined ? {} : { timeout });
    return this.exit;
  }

  input(bytes: Buffer): void {
    this.#container?.stdin?.write(bytes);
  }

  endInput(): void {
    this.#container?.stdin?.end();
  }

  resize(columns: number, rows: number): void {
    this.#size = [columns, rows];
    this.#container?.resize?.(columns, rows);
  }
}
