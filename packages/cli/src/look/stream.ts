import { toJson } from '../output/json.ts';
import { writeBytes } from '../output/streams.ts';

const batch = 500;

/** Writes line by line, waiting for the reader: what is long is never held whole. */
export async function streamLines(lines: Iterable<string>, signal: AbortSignal): Promise<void> {
  let pending: string[] = [];
  for (const line of lines) {
    pending.push(line);
    if (pending.length < batch) continue;
    signal.throwIfAborted();
    await writeBytes('stdout', Buffer.from(`${pending.join('\n')}\n`));
    pending = [];
  }
  if (pending.length > 0) await writeBytes('stdout', Buffer.from(`${pending.join('\n')}\n`));
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
