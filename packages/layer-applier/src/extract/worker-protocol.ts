import type { ErrorCode } from '@boxkit/contracts';
import type { EntryList } from '../blob-tree/entry-list.ts';
import type { ChannelInput } from '../decode/tar-channel.ts';
import type { JobFailure } from '../drivers/job-failure.ts';
import type { IndexSummary } from '../layer-index/index-format.ts';
import type { LayerBudgets } from './budgets.ts';
import type { ExtractorOptions } from './extractor-options.ts';
import type { LayerErrorFields } from './layer-error.ts';

/** What a worker is to read. */
export interface ReadJob {
  /** What hashes the diffID. */
  readonly algorithm: string;
  /** Bytes of the blob. */
  readonly compressed: number;
  readonly input: ChannelInput;
  readonly budgets: LayerBudgets;
  /** One word; not 0 when the worker is to give up. */
  readonly stop: SharedArrayBuffer;
}

/** What a worker is to list the entries of. */
export interface ListJob extends ReadJob {
  readonly list: true;
}

/** What a worker is to write the index of, and not extract. */
export interface IndexJob extends ReadJob {
  readonly diffId: string;
  /** Absolute path of the index; nothing is there. */
  readonly index: string;
}

/** Of which files a worker is to digest the contents. */
export interface ContentsJob extends ReadJob {
  /** Where their entries start in the tar, ascending, each once. */
  readonly contents: Float64Array;
}

/** What a worker is to extract. */
export interface Job extends ReadJob {
  readonly diffId: string;
  readonly options: Omit<ExtractorOptions, 'exactModes' | 'onEntry'>;
}

export type AnyJob = Job | IndexJob | ListJob | ContentsJob | ReadJob;

/** What became of it. */
export type Outcome =
  /** `digest` is of the uncompressed tar, in hexadecimal. */
  | { readonly kind: 'done'; readonly summary: IndexSummary; readonly digest: string }
  /** A tar whose index was written. */
  | { readonly kind: 'indexed'; readonly digest: string }
  /** A tar that was read and not extracted. */
  | { readonly kind: 'read'; readonly entries: number; readonly bytes: number; readonly digest: string }
  /** `digests`: see digestThrough. */
  | { readonly kind: 'digested'; readonly digests: Uint8Array; readonly digest: string }
  /** `entries`: see readEntryList. */
  | { readonly kind: 'listed'; readonly entries: EntryList; readonly digest: string }
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode;
      readonly reason: string;
      readonly hint: string | undefined;
      readonly fields: Partial<LayerErrorFields>;
    }
  | { readonly kind: 'stopped' }
  /** The blob is small, its tar is not: nothing was done. */
  | { readonly kind: 'too-large' };

/** What became of a job on trees. */
export type TreeOutcome =
  | { readonly kind: 'result'; readonly result: unknown }
  | { readonly kind: 'error'; readonly error: JobFailure };
