import { BoxError, type ExitStatus } from '@boxkit/contracts';

/** When a container is started again after its end: never, or after a failure, at most `limit` times. */
export type RestartPolicy = { readonly kind: 'no' } | { readonly kind: 'on-failure'; readonly limit?: number };

/** Reads `no`, `on-failure` and `on-failure:N`. Throws ERR_BOX_USAGE. */
export function parseRestartPolicy(text: string): RestartPolicy {
  if (text === 'no') return { kind: 'no' };
  const [, limit] = /^on-failure(?::(\d{1,9}))?$/.exec(text) ?? [undefined, 'none'];
  if (limit === 'none') {
    throw new BoxError('ERR_BOX_USAGE', `cannot restart ${JSON.stringify(text)}`, {
      hint: 'Choose no, on-failure or on-failure:N.',
    });
  }
  return { kind: 'on-failure', ...(limit === undefined ? {} : { limit: Number(limit) }) };
}

/** Whether to start again, after `restarts` times before. */
export function shouldRestart(policy: RestartPolicy, status: ExitStatus, restarts: number): boolean {
  if (policy.kind === 'no' || status.code === 0) return false;
  // what cannot be executed now cannot be executed later
  if (status.reason !== undefined) return false;
  return restarts < (policy.limit ?? Infinity);
}

const shortest = 100;
const longest = 60_000;
/** Milliseconds after which a run counts as a good one. */
const settled = 10_000;

/** Milliseconds to wait before the next start: twice as long each time, from the start again after a good run. */
export function restartDelay(before: number | undefined, ranFor: number): number {
  if (before === undefined || ranFor >= settled) return shortest;
  return Math.min(before * 2, longest);
}
