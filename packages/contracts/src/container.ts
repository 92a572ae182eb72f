import type { Readable, Writable } from 'node:stream';
import type { Bundle } from './bundle.ts';
import type { LaunchPlan } from './launch-plan.ts';

/** What `isolate` hands on: the bundle, and the chosen backend's plan for it. */
export interface PlannedContainer {
  readonly containerId: string;
  readonly name: string;
  readonly bundle: Bundle;
  readonly plan: LaunchPlan;
  /** What the process is sent to stop, and the milliseconds before it is killed. */
  readonly stop: { readonly signal: NodeJS.Signals | number; readonly timeout: number };
}

/** How a container's process ended. A non-zero status is a result, not an error. */
export interface ExitStatus {
  /** As a shell has it: the status itself, 128+n for signal n, 126 and 127 when the command could not be started. */
  readonly code: number;
  /** The signal that ended it. */
  readonly signal?: NodeJS.Signals;
  /** Why the command could not be started, for codes 126 and 127. */
  readonly reason?: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** A container whose process runs. Disposing of it ends the process and removes what was made for it. */
export interface RunningContainer extends AsyncDisposable {
  readonly containerId: string;
  readonly name: string;
  /** The process that holds the container, as the host numbers it. */
  readonly pid: number;
  /** Null when the caller gave a stream or `inherit` instead. */
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** Resolves once, when the process has ended. Rejects only when box itself fails. */
  readonly exit: Promise<ExitStatus>;
  /**
   * Resolves to true when the command itself runs, to false when it could not be executed; `exit` then says why. Where it is
   * missing, nobody knows before the end.
   */
  readonly executed?: Promise<boolean>;
  /** Sends a signal to the container's first process. Resolves to false when it has ended. */
  kill(signal?: NodeJS.Signals | number): Promise<boolean>;
  /** Sends the stop signal, then SIGKILL after the stop timeout. */
  stop(options?: { readonly timeout?: number }): Promise<ExitStatus>;
  /** Tells the container's terminal its size, in character cells. */
  resize?(columns: number, rows: number): void;
}
