import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { temporaryDirectory, writeTar, type TarEntry } from '@boxkit/testkit';
import { createBudgets, type BudgetLimits } from './budgets.ts';
import { extracted, failure, stage } from './layer.fixture.ts';

const many = Array.from({ length: 20 }, (_, i): TarEntry => ({ path: `f${i}`, content: 'x' }));
const sparse = {
  'GNU.sparse.major': '0',
  'GNU.sparse.minor': '1',
  'GNU.sparse.map': '0,1',
  'GNU.sparse.size': '5000000000',
};

const cases: readonly (readonly [keyof BudgetLimits, number, readonly TarEntry[]])[] = [
  ['entries', 19, many],
  [
    'entries',
    19,
    Array.from({ length: 10 }, (_, i): TarEntry => ({ path: `f${i}`, content: '', pax: { comment: 'x' } })),
  ],
  ['entries', 99, [{ path: `${'d/'.repeat(99)}f`, content: '' }]],
  ['bytes', 10_000, [{ path: 'a', content: 'x'.repeat(10_001) }]],
  ['bytes', 2 ** 32, [{ path: 'holes', content: 'x', pax: sparse }]],
  ['nameLength', 30, [{ path: `d/${'n'.repeat(31)}/x`, content: '' }]],
  ['nameLength', 255, [{ path: 'n'.repeat(256), content: '' }]],
  ['pathLength', 300, [{ path: 'long/'.repeat(61), type: 'directory' }]],
  ['pathLength', 300, [{ path: 's', type: 'symlink', link: 'x'.repeat(301) }]],
  ['depth', 20, [{ path: `${'d/'.repeat(20)}f`, content: '' }]],
  ['headerBytes', 1000, [{ path: 'a', content: '', pax: { comment: 'x'.repeat(1001) } }]],
];

test.each(cases)('the budget %s of %i is kept, and the error names it', async (budget, limit, entries) => {
  const error = await failure(entries, { budgets: createBudgets({ [budget]: limit }) });
  expect(error).toMatchObject({ code: 'ERR_BOX_BUDGET_EXCEEDED', fields: { budget, limit } });
  expect(error.hint).toContain(budget);
});

test('what lies within the budgets is extracted', async () => {
  const { staged } = await extracted(many, { budgets: createBudgets({ entries: 20, bytes: 40_000 }) });
  expect(staged.entries).toBe(20);
});

test('the layers of one image spend from one tally', async () => {
  await using directory = await temporaryDirectory('budgets');
  const budgets = createBudgets({ entries: 50 });
  await stage(directory.path, many, { budgets });
  await stage(directory.path, many, { budgets });
  await expect(stage(directory.path, many, { budgets })).rejects.toMatchObject({ code: 'ERR_BOX_BUDGET_EXCEEDED' });
});

test('a bomb ends at its ratio, long before its end', async () => {
  const tar = writeTar([{ path: 'zeros', content: Buffer.alloc(80 * 2 ** 20) }]);
  const error = await failure(tar, { blob: gzipSync(tar), budgets: createBudgets({ ratio: 100 }) });
  expect(error).toMatchObject({ code: 'ERR_BOX_BUDGET_EXCEEDED', fields: { budget: 'ratio', limit: 100 } });
});

test('symlinks that lead into each other do not build a path past the budget', async () => {
  const entries: TarEntry[] = [];
  for (let i = 0; i < 30; i++) entries.push({ path: `s${i}`, type: 'symlink', link: `s${i + 1}/${'x/'.repeat(200)}` });
  const error = await failure([...entries, { path: 's0/f', content: '' }]);
  expect(error.code).toBe('ERR_BOX_BUDGET_EXCEEDED');
});
