import type { Descriptor } from './descriptor.ts';
import type { DiffId, Digest } from './digest.ts';

/** Everything that an observer can see, in the order it happens. JSON as it is: `--json` prints these. */
export type BoxEvent =
  | StageStarted
  | StageEnded
  | ImageResolved
  | BlobProgress
  | LayerProgress
  | LayerApplied
  | ContainerStarted
  | ContainerExited
  | Waiting
  | Retrying
  | Warning;

export interface StageStarted {
  readonly type: 'stage-started';
  readonly stage: string;
}

export interface StageEnded {
  readonly type: 'stage-ended';
  readonly stage: string;
  /** Milliseconds. */
  readonly duration: number;
  /** The code of the error that ended it. */
  readonly error?: string;
}

export interface ImageResolved {
  readonly type: 'image-resolved';
  readonly reference: string;
  readonly descriptor: Descriptor;
}

/** Bytes of one blob on their way into the store; at least one with 0 (or where it resumed) and one with the final size. */
export interface BlobProgress {
  readonly type: 'blob-progress';
  readonly digest: Digest;
  readonly mediaType: string;
  /** Bytes there so far. */
  readonly received: number;
  /** Bytes in all. */
  readonly total: number;
  /** Where the bytes come from: `present` when the store had them all, `resumed` when some. */
  readonly origin: 'source' | 'resumed' | 'present';
}

/** Compressed bytes of one layer that have been extracted. */
export interface LayerProgress {
  readonly type: 'layer-progress';
  readonly diffId: DiffId;
  readonly digest: Digest;
  readonly processed: number;
  readonly total: number;
}

export interface LayerApplied {
  readonly type: 'layer-applied';
  readonly diffId: DiffId;
  readonly entries: number;
  /** Bytes of the uncompressed tar. */
  readonly bytes: number;
  /** True when the store had it extracted already. */
  readonly present: boolean;
}

export interface ContainerStarted {
  readonly type: 'container-started';
  readonly containerId: string;
  readonly name: string;
  readonly pid: number;
  readonly isolator: string;
}

export interface ContainerExited {
  readonly type: 'container-exited';
  readonly containerId: string;
  readonly code: number;
  readonly signal?: string;
}

/** Something holds the work up that will end: a lock of another process, a Retry-After. */
export interface Waiting {
  readonly type: 'waiting';
  readonly for: 'lock' | 'retry-after';
  readonly what: string;
  /** Milliseconds, when known. */
  readonly duration?: number;
}

export interface Retrying {
  readonly type: 'retrying';
  readonly what: string;
  readonly attempt: number;
  readonly reason: string;
}

export interface Warning {
  readonly type: 'warning';
  /** A stable word: `devices-skipped`. */
  readonly code: string;
  readonly message: string;
}
