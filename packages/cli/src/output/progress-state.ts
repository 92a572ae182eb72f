import type { BlobProgress, BoxEvent, LayerProgress } from '@boxkit/contracts';

/** One layer or other blob as far as events have told. */
export interface Transfer {
  readonly digest: string;
  readonly mediaType: string;
  readonly received: number;
  readonly total: number;
  readonly origin: BlobProgress['origin'];
  /** Compressed bytes extracted; undefined before extraction started. */
  readonly extracted?: number;
  readonly startedAt: number;
  /** Where it started, in bytes: what an earlier process had fetched. */
  readonly startedFrom: number;
  /** Bytes a second over the last seconds. */
  readonly rate: number;
  readonly done: boolean;
  readonly sample: { readonly at: number; readonly received: number };
}

/** Folds events into the state of each transfer, in the order they appeared. */
export class ProgressState {
  readonly #transfers = new Map<string, Transfer>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  get transfers(): readonly Transfer[] {
    return [...this.#transfers.values()];
  }

  /** Returns what the event did to a transfer, before and after; undefined when it is about none. */
  take(event: BoxEvent): { readonly before: Transfer | undefined; readonly after: Transfer } | undefined {
    if (event.type === 'blob-progress') return this.#put(event.digest, this.#received(event));
    if (event.type === 'layer-progress') return this.#put(event.digest, this.#extracted(event));
    return undefined;
  }

  /** Bytes here and in all, of everything known so far. */
  sum(): { readonly received: number; readonly total: number; readonly rate: number } {
    let [received, total, rate] = [0, 0, 0];
    for (const transfer of this.#transfers.values()) {
      received += transfer.received;
      total += transfer.total;
      if (transfer.received < transfer.total) rate += transfer.rate;
    }
    return { received, total, rate };
  }

  #put(digest: string, after: Transfer) {
    const before = this.#transfers.get(digest);
    this.#transfers.set(digest, after);
    return { before, after };
  }

  #received(event: BlobProgress): Transfer {
    const now = this.#now();
    const known = this.#transfers.get(event.digest);
    // Extraction may be told of first: what it made up about the download counts no longer. And a blob that is here may
    // go on to another place, which is a transfer of its own.
    const before = known?.mediaType === '' || (known?.done && event.received < event.total) ? undefined : known;
    const sample = before?.sample ?? { at: now, received: event.received };
    const elapsed = now - sample.at;
    const measured = elapsed > 0 ? ((event.received - sample.received) * 1000) / elapsed : 0;
    const renew = elapsed >= 500;
    const extracted = known?.extracted;
    return {
      digest: event.digest,
      mediaType: event.mediaType,
      received: event.received,
      total: event.total,
      origin: before?.origin === 'resumed' ? 'resumed' : event.origin,
      ...(extracted === undefined ? {} : { extracted }),
      startedAt: before?.startedAt ?? now,
      startedFrom: before?.startedFrom ?? event.received,
      rate:
        before === undefined ? 0 : renew && before.rate > 0 ? (before.rate + measured) / 2 : before.rate || measured,
      done: event.received >= event.total && (extracted === undefined || extracted >= event.total),
      sample: renew ? { at: now, received: event.received } : sample,
    };
  }

  #extracted(event: LayerProgress): Transfer {
    const now = this.#now();
    const before = this.#transfers.get(event.digest) ?? {
      digest: event.digest,
      mediaType: '',
      received: event.total,
      total: event.total,
      origin: 'present' as const,
      startedAt: now,
      startedFrom: event.total,
      rate: 0,
      sample: { at: now, received: event.total },
    };
    return {
      ...before,
      extracted: event.processed,
      done: event.processed >= event.total && before.received >= before.total,
    };
  }
}
