import { expect, test } from 'vitest';
import { parseBudgets, readApplyLimits } from './budgets.ts';

test('budgets are named, several at once, in bytes with a unit', () => {
  expect(parseBudgets(['bytes=2g', 'entries=10000', 'headerBytes=64k'])).toEqual({
    bytes: 2 * 2 ** 30,
    entries: 10_000,
    headerBytes: 65_536,
  });
  expect(readApplyLimits({ budget: [], strict: false })).toEqual({});
  expect(readApplyLimits({ budget: ['depth=9'], strict: true })).toEqual({ budgets: { depth: 9 }, strict: true });
});

test.each([
  ['entrys=1', 'did you mean entries'],
  ['entries', 'NAME=NUMBER'],
  ['entries=', 'budget entries'],
  ['entries=many', 'budget entries'],
  ['entries=0', 'above zero'],
  ['=3', 'NAME=NUMBER'],
])('%s is an error that says what is wanted', (text, said) => {
  expect(() => parseBudgets([text])).toThrow(
    expect.objectContaining({ code: 'ERR_BOX_USAGE', message: expect.stringContaining(said) as string }),
  );
});
