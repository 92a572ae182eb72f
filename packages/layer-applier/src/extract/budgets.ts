import { BoxError } from '@boxkit/contracts';

/** What an image may cost, summed over all of its layers. */
export interface BudgetLimits {
  /** Bytes of file content, holes included, and of uncompressed tar: either may not pass it. */
  readonly bytes: number;
  readonly entries: number;
  /** Bytes of one component of a path. */
  readonly nameLength: number;
  /** Bytes of a path, and of a symlink's target. */
  readonly pathLength: number;
  /** Components of a path. */
  readonly depth: number;
  /** Bytes of one extended header (pax x and g, GNU L and K), xattrs among them. */
  readonly headerBytes: number;
  /** Uncompressed bytes for each compressed one, counted after the first 64 MiB of output. */
  readonly ratio: number;
}

/** Limits, and what the layers of one image have spent of them so far. Shared by the threads that extract. */
export interface LayerBudgets {
  readonly limits: BudgetLimits;
  /** A 64-bit counter of bytes and a 32-bit one of entries. */
  readonly spent: SharedArrayBuffer;
}

/** Generous for every image that people run, and small enough that a bomb ends early. */
export const defaultBudgets: BudgetLimits = {
  bytes: 256 * 2 ** 30,
  entries: 4_000_000,
  nameLength: 255,
  pathLength: 4095,
  depth: 512,
  headerBytes: 2 ** 20,
  ratio: 1200,
};

/** Counted in 32 bits. */
const mostEntries = 2 ** 31 - 1;

/**
 * One tally for one image; give it to extractLayer for each of its layers. Throws ERR_BOX_USAGE for a limit that is no
 * whole number above zero.
 */
export function createBudgets(limits: Partial<BudgetLimits> = {}): LayerBudgets {
  const given = Object.entries(limits).filter(([, limit]) => limit !== undefined);
  for (const [name, limit] of given) {
    if (!Object.hasOwn(defaultBudgets, name)) throw wrongBudget(name, 'there is no such budget');
    if (!Number.isSafeInteger(limit) || limit < 1) throw wrongBudget(name, `${limit} is no whole number above zero`);
  }
  const all = { ...defaultBudgets, ...(Object.fromEntries(given) as Partial<BudgetLimits>) };
  return { limits: { ...all, entries: Math.min(all.entries, mostEntries) }, spent: new SharedArrayBuffer(16) };
}

function wrongBudget(name: string, why: string): BoxError {
  return new BoxError('ERR_BOX_USAGE', `cannot set the budget ${JSON.stringify(name)}: ${why}`, {
    hint: `The budgets: ${Object.keys(defaultBudgets).join(', ')}.`,
    fields: { budget: name },
  });
}
