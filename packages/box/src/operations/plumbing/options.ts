import type { ApplyLimits, Cancellable, Stdio } from '../../options.ts';

export interface ApplyDocumentOptions extends Cancellable, ApplyLimits {
  /** Make a plain directory at this absolute path, missing or empty, instead of a container's rootfs. */
  readonly directory?: string;
  /** The container's name. */
  readonly name?: string;
  /** A rootfs driver by name; default: the first that works here. */
  readonly driver?: string;
}

export interface LaunchDocumentOptions extends Cancellable {
  /** Default `ignore`. */
  readonly stdin?: Stdio;
  /** Default `pipe`. */
  readonly stdout?: Stdio;
  readonly stderr?: Stdio;
  /** Remove the container that `apply` made when it has ended. */
  readonly remove?: boolean;
}
