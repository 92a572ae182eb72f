import type { BoxEvent } from '@boxkit/contracts';
import type { JobFailure } from './job-failure.ts';
import type { MarkOptions } from './overlay-marks.ts';
import type { SettleOptions } from './overlay-settle.ts';
import type { MergeLayer, MergePlace } from '../merge/merge-layer.ts';
import type { ExtractOptions } from '../staged-layer.ts';

/**
 * Work on trees that is done off the main thread, or as root of a user namespace when the files are to have
 * subordinate ids. Plain data, so that it can be sent to a thread and to a process alike.
 */
export type TreeJob =
  | { readonly kind: 'merge'; readonly place: MergePlace; readonly layer: MergeLayer }
  | { readonly kind: 'publish'; readonly from: string; readonly to: string; readonly children: boolean }
  | { readonly kind: 'overlay-marks'; readonly options: MarkOptions }
  | { readonly kind: 'overlay-settle'; readonly options: SettleOptions };

/** What a process in a user namespace does beside: the blob comes from `path`, or else through descriptor 4. */
export type RootfsJob =
  | TreeJob
  | { readonly kind: 'extract'; readonly options: RemoteExtractOptions; readonly path: string | undefined };

export type RemoteExtractOptions = Omit<ExtractOptions, 'stream' | 'signal' | 'emit' | 'budgets'> & {
  /** What the image may still cost. */
  readonly limits: ExtractOptions['budgets']['limits'];
};

export interface JobRequest {
  readonly sequence: number;
  readonly job: RootfsJob;
}

export type JobReply =
  | { readonly sequence: number; readonly result: unknown }
  | { readonly sequence: number; readonly error: JobFailure }
  | { readonly sequence: number; readonly event: BoxEvent };
