import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isolationFeatures, type IsolationFeature, type Isolator, type Probe } from '@boxkit/contracts';
import { chooseIsolator } from './choose.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'box-choose-'));
});
afterEach(() => rmSync(home, { recursive: true }));

function backend(name: string, lacks: readonly IsolationFeature[], probe: Probe = { available: true }): Isolator {
  const table = Object.fromEntries(
    isolationFeatures.map((feature) => [feature, lacks.includes(feature) ? `${name} has no ${feature}` : true]),
  ) as Record<IsolationFeature, true | string>;
  return {
    name,
    capabilities: () => table,
    probe: async () => probe,
    plan: async () => {
      throw new Error('not asked for here');
    },
  };
}

const broken: Probe = { available: false, reason: 'the kernel refuses', hint: 'ask it nicely' };

it('auto takes what enforces most', async () => {
  const chosen = await chooseIsolator([backend('weak', ['init', 'seccomp']), backend('strong', ['init'])], {
    wanted: 'auto',
    features: [],
    home,
  });
  expect(chosen.name).toBe('strong');
});

it('auto takes the first among equals', async () => {
  const all = [backend('first', []), backend('second', [])];
  expect((await chooseIsolator(all, { wanted: 'auto', features: [], home })).name).toBe('first');
});

it('auto passes over what does not work here', async () => {
  const all = [backend('first', [], broken), backend('second', ['init'])];
  expect((await chooseIsolator(all, { wanted: 'auto', features: [], home })).name).toBe('second');
});

it('auto never takes what is no boundary for files', async () => {
  await expect(
    chooseIsolator([backend('chroot', ['filesystem'])], { wanted: 'auto', features: [], home }),
  ).rejects.toMatchObject({ code: 'ERR_BOX_NOT_ENFORCEABLE' });
});

it('what is named and cannot enforce something is refused, with the names of those that can', async () => {
  const all = [backend('weak', ['seccomp']), backend('strong', [])];
  await expect(chooseIsolator(all, { wanted: 'weak', features: ['seccomp'], home })).rejects.toMatchObject({
    code: 'ERR_BOX_NOT_ENFORCEABLE',
    message: expect.stringContaining('weak has no seccomp'),
    hint: 'These backends can: strong.',
  });
});

it('what is named and does not work is refused, with the reason and the hint', async () => {
  await expect(
    chooseIsolator([backend('first', [], broken)], { wanted: 'first', features: [], home }),
  ).rejects.toMatchObject({
    code: 'ERR_BOX_BACKEND_UNAVAILABLE',
    message: 'cannot isolate with first: the kernel refuses',
    hint: 'ask it nicely',
  });
});

it('an unknown name is refused, with the names that there are', async () => {
  await expect(chooseIsolator([backend('first', [])], { wanted: 'nope', features: [], home })).rejects.toMatchObject({
    code: 'ERR_BOX_BACKEND_UNKNOWN',
    hint: 'Known are auto, first.',
  });
});

it('a backend that works is probed once, one that does not each time', async () => {
  const probes = { good: 0, bad: 0 };
  const counting = (name: 'good' | 'bad', probe: Probe): Isolator => ({
    ...backend(name, []),
    probe: async () => {
      probes[name]++;
      return probe;
    },
  });
  const [good, bad] = [counting('good', { available: true }), counting('bad', broken)];
  for (let round = 0; round < 3; round++) {
    await chooseIsolator([good], { wanted: 'good', features: [], home });
    await chooseIsolator([bad], { wanted: 'bad', features: [], home }).catch(() => {});
  }
  expect(probes).toEqual({ good: 1, bad: 3 });
});
