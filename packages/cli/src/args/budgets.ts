import { budgetNames } from '@boxkit/box';
import type { ImageBudgets } from '@boxkit/contracts';
import { nearest } from './suggest.ts';
import { usage } from './parse.ts';
import { parseBytes } from '../run/values.ts';

/** `--budget NAME=NUMBER`, several of them; a number may have k, m, g or t behind it. Throws ERR_BOX_USAGE. */
export function parseBudgets(given: readonly string[]): ImageBudgets {
  return Object.fromEntries(given.map(parseBudget));
}

function parseBudget(text: string): readonly [name: keyof ImageBudgets, limit: number] {
  const equals = text.indexOf('=');
  const name = budgetNames.find((one) => one === text.slice(0, Math.max(0, equals)));
  if (name === undefined) {
    const near = nearest(text.split('=', 1)[0] ?? '', budgetNames);
    throw usage(
      `--budget is NAME=NUMBER, not ${JSON.stringify(text)}${near === undefined ? '' : `; did you mean ${near}?`}`,
      `The budgets: ${budgetNames.join(', ')}.`,
    );
  }
  const limit = parseBytes(`--budget ${name}`, text.slice(equals + 1));
  if (!Number.isSafeInteger(limit) || limit < 1) throw usage(`--budget ${name} is a whole number above zero`);
  return [name, limit];
}

/** The options of a command that applies layers, for the library. */
export function readApplyLimits({
  budget,
  strict = false,
}: {
  readonly budget: readonly string[];
  readonly strict?: boolean;
}) {
  return { ...(budget.length === 0 ? {} : { budgets: parseBudgets(budget) }), ...(strict ? { strict } : {}) };
}
