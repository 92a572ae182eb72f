/**
 * Whether the components that follow one that is not there lead back out of it by `..`: then nothing of it is made, as
 * `x/../y` is `y`. What they lead through is taken off `pending`, which holds them in reverse.
 */
export function leadsBack(pending: string[]): boolean {
  let depth = 1;
  for (let at = pending.length - 1; at >= 0; at -= 1) {
    const name = pending[at];
    if (name === '..') depth -= 1;
    else if (name !== '' && name !== '.') depth += 1;
    if (depth === 0) {
      pending.length = at;
      return true;
    }
  }
  return false;
}
