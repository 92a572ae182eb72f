import type { BoxEvent, ErrorCode, ExitStatus } from '@boxkit/contracts';
import type { BoxConfig } from '../../config.ts';
import type { DetachDirectoryOptions, DetachRunOptions } from './types.ts';

/** What a supervisor is to run: an image, a plain directory, or a container that has ended. */
export type DetachTarget =
  | { readonly reference: string }
  | { readonly directory: string }
  | { readonly containerId: string };

export type DetachedOptions = Omit<DetachRunOptions | DetachDirectoryOptions, 'signal'>;

/** What a supervisor is told, once. Structured-clonable: a ulimit may be Infinity. */
export interface SupervisorRequest {
  readonly home: string;
  readonly config: BoxConfig;
  /** Modules whose default exports are the plugins. */
  readonly pluginModules: readonly string[];
  readonly target: DetachTarget;
  readonly options: DetachedOptions;
}

/** What it tells, until the container has started or cannot. */
export type SupervisorMessage =
  | { readonly type: 'event'; readonly event: BoxEvent }
  | { readonly type: 'started'; readonly containerId: string; readonly name: string; readonly exit?: ExitStatus }
  | { readonly type: 'failed'; readonly error: FailureData };

export interface FailureData {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}
