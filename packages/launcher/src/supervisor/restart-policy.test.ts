import { expect, it } from 'vitest';
import { parseRestartPolicy, restartDelay, shouldRestart } from './restart-policy.ts';

it.each([
  ['no', { kind: 'no' }],
  ['on-failure', { kind: 'on-failure' }],
  ['on-failure:3', { kind: 'on-failure', limit: 3 }],
] as const)('%s is a policy', (text, policy) => {
  expect(parseRestartPolicy(text)).toEqual(policy);
});

it.each(['', 'always', 'on-failure:', 'on-failure:-1', 'on-failure:x', 'unless-stopped'])('%j is none', (text) => {
  expect(() => parseRestartPolicy(text)).toThrow(/cannot restart/);
});

it('starts again after a failure only, and as often as was said', () => {
  const policy = parseRestartPolicy('on-failure:2');
  expect(shouldRestart(policy, { code: 0 }, 0)).toBe(false);
  expect(shouldRestart(policy, { code: 1 }, 1)).toBe(true);
  expect(shouldRestart(policy, { code: 1 }, 2)).toBe(false);
  expect(shouldRestart(policy, { code: 127, reason: 'not there' }, 0)).toBe(false);
  expect(shouldRestart({ kind: 'no' }, { code: 1 }, 0)).toBe(false);
});

it('waits longer each time, a minute at most, and short again after a good run', () => {
  expect(restartDelay(undefined, 0)).toBe(100);
  expect(restartDelay(100, 0)).toBe(200);
  expect(restartDelay(50_000, 0)).toBe(60_000);
  expect(restartDelay(50_000, 10_000)).toBe(100);
});
