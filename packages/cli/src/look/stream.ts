import { toJson } from '../output/json.ts';
import { writeBytes } from '../output/streams.ts';

const batch = 500;

/** Writes line by line, waiting for the reader: what is long is never held whole. */
export async function streamLines(lines: Iterable<string> | AsyncIterable<string>, signal: AbortSignal): Promise<void> {
  const pending: string[] = [];
  const flush = async (): Promise<void> => {
    signal.throwIfAborted();
    if (pending.length > 0) await writeBytes('stdout', Buffer.from(`${pending.join('\n')}\n`));
    pending.length = 0;
  };
  // Not `for await` of both: it waits for each line of a million.
  if (Symbol.asyncIterator in lines) {
    for await (const line of lines) if (pending.push(line) === batch) await flush();
  } else {
    for (const line of lines) if (pending.push(line) === batch) await flush();
  }
  await flush();
}

/** The same as one JSON list, an item a line. */
export function streamJson(items: Iterable<unknown>, signal: AbortSignal): Promise<void> {
  return streamLines(jsonLines(items), signal);
}

function* jsonLines(items: Iterable<unknown>): Generator<string, void, undefined> {
  let before = '[';
  for (const item of items) {
    yield `${before}${toJson(item)}`.replace(/^,/, '  ,').replace(/^\[/, '[ ');
    before = ',';
  }
  yield before === '[' ? '[]' : ']';
}
