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

/** One tally for one image; give it to extractLayer for each of its layers. */
export function createBudgets(limits: Partial<BudgetLimits> = {}): LayerBudgets {
  return { limits: { ...defaultBudgets, ...limits }, spent: new SharedArrayBuffer(16) };
}
