import { setTimeout as sleep } from 'node:timers/promises';
import type { BoxEvent } from '@boxkit/contracts';
import { RegistryError } from '../http/errors.ts';

export interface RetryOptions {
  /** Tries in all of one request, or of a blob since it last made progress. Default 6. */
  readonly attempts?: number;
  /** Milliseconds before the second try; doubles each time. Default 250. */
  readonly baseDelay?: number;
  /** Milliseconds; default 15 000. */
  readonly maxDelay?: number;
  /** The longest Retry-After that is waited for, in milliseconds; default 300 000. */
  readonly maxRetryAfter?: number;
}

export interface RetryContext {
  readonly signal: AbortSignal;
  readonly emit: (event: BoxEvent) => void;
  readonly retry: Required<RetryOptions>;
}

export function withDefaults(options: RetryOptions = {}): Required<RetryOptions> {
  return { attempts: 6, baseDelay: 250, maxDelay: 15_000, maxRetryAfter: 300_000, ...options };
}

/** Runs `work` until it succeeds, fails for good, or has had its tries. */
export async function retrying<T>(what: string, context: RetryContext, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      await waitToRetry(what, error, attempt, context);
    }
  }
}

/**
 * Waits before another try, and tells the observers why; rethrows `error` when another try is of no use. The delay is
 * random between half and all of its step, so that many clients that failed at once do not come back at once.
 */
export async function waitToRetry(what: string, error: unknown, attempt: number, context: RetryContext): Promise<void> {
  const { signal, emit, retry } = context;
  if (signal.aborted) throw signal.reason;
  if (!(error instanceof RegistryError) || !error.transient || attempt >= retry.attempts) throw error;
  const asked = error.retryAfter;
  if (asked !== undefined && asked > retry.maxRetryAfter) throw error;
  const step = Math.min(retry.baseDelay * 2 ** (attempt - 1), retry.maxDelay);
  const delay = Math.max(asked ?? 0, step * (0.5 + Math.random() / 2));
  if (asked !== undefined) emit({ type: 'waiting', for: 'retry-after', what, duration: Math.round(delay) });
  await sleep(delay, undefined, { signal }).catch(() => {
    throw signal.reason;
  });
  emit({ type: 'retrying', what, attempt: attempt + 1, reason: error.message.replace(`cannot ${what}: `, '') });
}

/** Milliseconds that a Retry-After header asks for: seconds, or a date. RFC 9110, 10.2.3. */
export function parseRetryAfter(header: string | undefined, now: number = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d+$/.test(text)) return Math.min(Number(text), 1e9) * 1000;
  // Dates only: Date.parse would also read `-5` and `1.5` as years and months.
  if (!/^[A-Za-z]{3,9},? /.test(text)) return undefined;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
