import type { ApplyLimits } from '../options.ts';

/** Of an operation's options, those for the layers; what is not said is left out. */
export function applyLimits({ budgets, strict }: ApplyLimits): ApplyLimits {
  return { ...(budgets === undefined ? {} : { budgets }), ...(strict === undefined ? {} : { strict }) };
}
