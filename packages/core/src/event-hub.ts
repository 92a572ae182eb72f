import type { BoxEvent } from '@boxkit/contracts';

export type EventObserver = (event: BoxEvent) => void;

/** Where events go out to callbacks and to `for await`. */
export interface EventHub {
  /** Tells every observer, in order of subscription. Never throws: one that fails is told of to the others, once. */
  emit(event: BoxEvent): void;
  /** Returns the function that ends the subscription. */
  subscribe(observer: EventObserver): () => void;
  /**
   * Every event from now on, until the hub closes, the signal aborts or the loop is left. Holds at most `limit`
   * unread events (default 4096): beyond it the oldest progress is dropped, which later progress makes up for,
   * then the oldest of any kind, and a `warning` with code `events-dropped` says how many.
   */
  events(options?: { readonly limit?: number; readonly signal?: AbortSignal }): AsyncIterableIterator<BoxEvent>;
  /** Ends all iterations. */
  close(): void;
}

export function createEventHub(): EventHub {
  const observers = new Set<EventObserver>();
  const closers = new Set<() => void>();
  const reported = new WeakSet<EventObserver>();

  function tell(observer: EventObserver, event: BoxEvent): Error | undefined {
    try {
      observer(event);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  function emit(event: BoxEvent): void {
    for (const observer of observers) {
      const failure = tell(observer, event);
      if (failure === undefined || reported.has(observer)) continue;
      reported.add(observer);
      const warning: BoxEvent = {
        type: 'warning',
        code: 'observer-failed',
        message: `an observer of events failed on ${event.type}: ${failure.message}`,
      };
      // Not to the one that failed, and a second failure is not told: a broken observer must not start a loop.
      for (const other of observers) if (other !== observer) tell(other, warning);
    }
  }

  function subscribe(observer: EventObserver): () => void {
    // A wrapper, so that one function subscribed twice is two subscriptions.
    const subscription: EventObserver = (event) => observer(event);
    observers.add(subscription);
    return () => observers.delete(subscription);
  }

  return {
    emit,
    subscribe,
    events(options = {}) {
      const queue = createEventQueue(options.limit ?? 4096);
      const unsubscribe = subscribe((event) => queue.push(event));
      const close = (): void => {
        unsubscribe();
        closers.delete(close);
        options.signal?.removeEventListener('abort', close);
        queue.close();
      };
      closers.add(close);
      options.signal?.addEventListener('abort', close, { once: true });
      if (options.signal?.aborted === true) close();
      return queue.iterate(close);
    },
    close() {
      for (const close of closers) close();
    },
  };
}

interface EventQueue {
  push(event: BoxEvent): void;
  close(): void;
  iterate(onLeave: () => void): AsyncIterableIterator<BoxEvent>;
}

function createEventQueue(limit: number): EventQueue {
  const unread: BoxEvent[] = [];
  const readers: ((result: IteratorResult<BoxEvent>) => void)[] = [];
  let dropped = 0;
  let closed = false;

  function dropOne(): void {
    const progress = unread.findIndex((event) => event.type === 'blob-progress' || event.type === 'layer-progress');
    unread.splice(Math.max(progress, 0), 1);
    dropped += 1;
  }

  function take(): BoxEvent | undefined {
    if (dropped === 0) return unread.shift();
    const message = `${dropped} events were dropped because nobody read them in time`;
    dropped = 0;
    return { type: 'warning', code: 'events-dropped', message };
  }

  return {
    push(event) {
      const reader = readers.shift();
      if (reader !== undefined) return reader({ value: event, done: false });
      if (unread.length >= limit) dropOne();
      unread.push(event);
    },
    close() {
      closed = true;
      for (const reader of readers.splice(0)) reader({ value: undefined, done: true });
    },
    iterate(onLeave) {
      return {
        [Symbol.asyncIterator]() {
          return this;
        },
        next() {
          const event = take();
          if (event !== undefined) return Promise.resolve({ value: event, done: false });
          if (closed) return Promise.resolve({ value: undefined, done: true });
          return new Promise((resolve) => readers.push(resolve));
        },
        return() {
          onLeave();
          unread.length = 0;
          return Promise.resolve({ value: undefined, done: true });
        },
      };
    },
  };
}
