import type { ContainerChange } from '@boxkit/box';
import { escapeControls } from '../output/escape.ts';
import { writeBytes } from '../output/streams.ts';

const letters = { added: 'A', changed: 'C', deleted: 'D' } as const;
const batch = 500;

/** Prints what a container changed, a path a line as docker has it, or an object a line. */
export async function printChanges(changes: AsyncIterable<ContainerChange>, json: boolean): Promise<void> {
  let lines: string[] = [];
  for await (const item of changes) {
    lines.push(json ? JSON.stringify(item) : `${letters[item.change]} ${escapeControls(item.path)}`);
    if (lines.length === batch) lines = await flush(lines);
  }
  await flush(lines);
}

async function flush(lines: readonly string[]): Promise<string[]> {
  if (lines.length > 0) await writeBytes('stdout', Buffer.from(`${lines.join('\n')}\n`));
  return [];
}
