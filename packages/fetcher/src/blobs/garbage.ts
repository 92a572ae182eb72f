/** Bytes of dead chunks that may pile up. */
const allowance = 16 << 20;

let collect: ((options: { readonly type: 'minor' }) => void) | undefined;
let passed = 0;

/**
 * Counts bytes that have been received and are done with, and has the young generation collected now and then. V8 sees
 * few objects and lets some 70 MB of 64 KiB buffers pile up behind them before it looks; a collection of the young ones
 * takes a millisecond. docs/decisions/memory-of-downloads.md has the measurements.
 */
export function countGarbage(bytes: number): void {
  passed += bytes;
  if (passed < allowance) return;
  passed = 0;
  collect ??= findCollector();
  collect({ type: 'minor' });
}

// The only door to it without a flag on the command line, which a library cannot ask for.
function findCollector(): NonNullable<typeof collect> {
  // Not imported: few bodies need it, and node:v8 takes three milliseconds to load.
  const { setFlagsFromString } = process.getBuiltinModule('node:v8');
  const { runInNewContext } = process.getBuiltinModule('node:vm');
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext("typeof gc === 'function' ? gc : undefined");
  setFlagsFromString('--no-expose-gc');
  return typeof found === 'function' ? (found as NonNullable<typeof collect>) : () => {};
}
