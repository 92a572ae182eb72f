/**
 * Runs `work` on every item of `source`, up to `concurrency` at a time, and yields the results in the order of the
 * items. The first failure ends it.
 */
export async function* inOrder<Item, Result>(
  source: AsyncIterable<Item>,
  concurrency: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result, void, undefined> {
  const running: Promise<Result>[] = [];
  try {
    for await (const item of source) {
      const result = work(item);
      // Its failure is thrown when its turn comes.
      result.catch(() => {});
      running.push(result);
      if (running.length > concurrency) yield await (running.shift() as Promise<Result>);
    }
    while (running.length > 0) yield await (running.shift() as Promise<Result>);
  } finally {
    await Promise.allSettled(running);
  }
}
