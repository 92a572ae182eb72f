import { open, type FileHandle } from 'node:fs/promises';
import {
  isBoxError,
  type BlobWriter,
  type BoxEvent,
  type Descriptor,
  type ResolvedImage,
  type Store,
} from '@boxkit/contracts';
import { recycle } from '../http/receive-buffer.ts';
import { countGarbage } from './garbage.ts';
import { createProgress } from './progress.ts';

/** Bytes of all transfers on their way to the disk before their sources have to wait. */
const writeAhead = 2 << 20;
let ahead = 0;
/** Bytes of one read of what has arrived. */
const readSize = 256 << 10;

export interface TransferOptions {
  readonly store: Store;
  readonly source: ResolvedImage;
  /** Runs the work when a slot is free. */
  readonly schedule: (work: () => Promise<void>, signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
  readonly emit: (event: BoxEvent) => void;
}

/** One blob on its way from the source into the store, however many readers wait for it. */
export interface Transfer {
  /** Resolves when the store has the blob, verified. */
  readonly done: Promise<void>;
  /** Whether its last reader left before it was done: who comes now starts another. */
  readonly cancelled: boolean;
  /**
   * Waits until there are more than `position` bytes, or all. Yields what can be read then; empty at the end, and
   * undefined when another process brought the blob, which must be read from the store.
   */
  read(position: number, signal: AbortSignal): Promise<Uint8Array | undefined>;
  /** Counts a reader in. The function that it returns counts it out; the last one out cancels what is not done. */
  join(): () => Promise<void>;
}

/** Starts a transfer. Readers read the file that it writes, so a slow reader costs no memory and slows no other. */
export function startTransfer(descriptor: Descriptor, options: TransferOptions): Transfer {
  const { store, source, emit } = options;
  const controller = new AbortController();
  const signal = AbortSignal.any([options.signal, controller.signal]);
  const progress = createProgress(descriptor, emit);
  const waiting = new Set<() => void>();
  let readers = 0;
  let received = 0;
  /** Whether readers may see what has arrived so far. What an earlier process left is unproven until all of it is hashed. */
  let visible = true;
  /** Whether a reader got bytes, which cannot be taken back. */
  let seen = false;
  let file: FileHandle | undefined;
  let state: 'arriving' | 'complete' | 'present' | 'failed' = 'arriving';

  const changed = (): void => {
    for (const wake of waiting) wake();
  };

  const done = options.schedule(bring, signal).then(
    () => changed(),
    (error: unknown) => {
      state = 'failed';
      changed();
      throw error;
    },
  );
  // Whoever reads learns of the failure; with no reader left nobody needs to.
  done.catch(() => {});
  const settled = done.then(closeIfUnused, closeIfUnused);

  async function bring(): Promise<void> {
    /** Downloads from the first byte that were wrong. */
    let fresh = 0;
    for (;;) {
      const writer = await store.blobs.write(descriptor, { signal, emit });
      if (writer === undefined) {
        state = 'present';
        progress.tell(descriptor.size, 'present');
        return;
      }
      try {
        await using owned = writer;
        await receive(owned);
        state = 'complete';
        return;
      } catch (error) {
        // As long as nobody has seen the bytes: what an earlier process left may not have been what it seemed, and what
        // came wrong once may come right from the next mirror, or the second time.
        if (!isBoxError(error, 'ERR_BOX_DIGEST_MISMATCH') || seen) throw error;
        if (writer.offset === 0 && fresh++ > 0) throw error;
        received = 0;
        visible = false;
        emit({ type: 'retrying', what: `fetch blob ${descriptor.digest}`, attempt: fresh + 1, reason: error.message });
      }
    }
  }

  async function receive(writer: BlobWriter): Promise<void> {
    const origin = writer.offset > 0 ? 'resumed' : 'source';
    await file?.close();
    file = await open(writer.path, 'r');
    received = writer.offset;
    visible = writer.offset === 0;
    progress.tell(received, origin);
    changed();
    if (writer.offset < descriptor.size) {
      await pump(writer, (count) => {
        received += count;
        progress.advance(received, origin);
        changed();
      });
    }
    await writer.commit();
    progress.advance(descriptor.size, origin);
  }

  async function pump(writer: BlobWriter, advance: (count: number) => void): Promise<void> {
    const stream = await source.open(descriptor, { offset: writer.offset, signal });
    // A source that cannot start in the middle sends the beginning again; the digest tells whether it is the same.
    let skip = writer.offset - stream.startedAt;
    let last = Promise.resolve();
    for await (const whole of stream) {
      const chunk = skip > 0 ? whole.subarray(Math.min(skip, whole.length)) : whole;
      skip -= whole.length - chunk.length;
      ahead += chunk.length;
      last = writer.write(chunk).finally(() => (ahead -= chunk.length));
      last = last.then(() => {
        advance(chunk.length);
        if (!recycle(whole)) countGarbage(whole.length);
      });
      last.catch(() => {});
      if (ahead > writeAhead) await last;
    }
    await last;
  }

  async function waitPast(position: number, abort: AbortSignal): Promise<void> {
    const nothingYet = (): boolean => state === 'arriving' && !(visible && received > position);
    while (nothingYet()) {
      abort.throwIfAborted();
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          waiting.delete(wake);
          abort.removeEventListener('abort', wake);
          resolve();
        };
        waiting.add(wake);
        abort.addEventListener('abort', wake);
      });
    }
    abort.throwIfAborted();
    if (state === 'failed') await done;
  }

  async function closeIfUnused(): Promise<void> {
    if (readers > 0 || state === 'arriving') return;
    const closing = file;
    file = undefined;
    await closing?.close();
  }

  return {
    done,
    get cancelled() {
      return controller.signal.aborted;
    },
    async read(position, abort) {
      await waitPast(position, abort);
      if (state === 'present') return undefined;
      if (file === undefined || received <= position) return new Uint8Array();
      const buffer = Buffer.allocUnsafeSlow(Math.min(readSize, received - position));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
      seen = true;
      // Truncated under us: the bytes were wrong, and `done` says how.
      if (bytesRead === 0) await done;
      return buffer.subarray(0, bytesRead);
    },
    join() {
      readers += 1;
      let left = false;
      return async () => {
        if (left) return;
        left = true;
        readers -= 1;
        if (readers > 0) return;
        if (state === 'arriving') controller.abort(new DOMException('nobody needs the blob any more', 'AbortError'));
        await settled;
        await closeIfUnused();
      };
    },
  };
}
