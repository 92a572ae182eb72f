import { usage } from '../args/parse.ts';
import { defineCommand } from '../command.ts';
import { drawTree } from '../look/format-tree.ts';
import { lookOptions, openLook } from '../look/open.ts';
import { streamJson, streamLines } from '../look/stream.ts';
import { terminalOf } from '../output/terminal.ts';

export const tree = defineCommand({
  name: 'tree',
  summary: 'draw the tree of an image, or of one layer',
  description: 'Of the whole image, or below PATH. With --layer, what that layer alone holds, with what it deletes.',
  options: {
    layer: { type: 'value', placeholder: 'N', summary: 'only this layer, from 0 for the lowest' },
    depth: { type: 'value', placeholder: 'N', summary: 'at most this many levels' },
    ...lookOptions,
  },
  operands: { usage: 'REF[:PATH] [PATH]', min: 1, max: 2 },
  eventsTo: 'stderr',
  examples: [
    { line: 'box tree --depth 1 alpine', what: 'what stands in the root' },
    { line: 'box tree alpine:/etc', what: 'one directory' },
    { line: 'box tree --layer 2 debian', what: 'what layer 2 adds, changes and deletes' },
  ],
  async run(invocation) {
    const { values, global, signal } = invocation;
    const layer = readNumber('--layer', values.layer);
    const depth = readNumber('--depth', values.depth);
    const { look, path } = await openLook(invocation);
    await using disposing = look;
    void disposing;
    const lines = look.walk(path, {
      ...(layer === undefined ? {} : { layer }),
      ...(depth === undefined ? {} : { depth }),
    });
    const unicode = terminalOf('stdout', process.env)?.unicode ?? true;
    await (global.json ? streamJson(lines, signal) : streamLines(drawTree(lines, unicode), signal));
    return 0;
  },
});

export function readNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw usage(`option ${option}: ${JSON.stringify(text)} is not a whole number`);
}
