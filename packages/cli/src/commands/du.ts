import { defineCommand } from '../command.ts';
import { lookOptions, openLook } from '../look/open.ts';
import { escapeControls } from '../output/escape.ts';
import { formatBytes, formatTable } from '../output/format.ts';
import { toJson } from '../output/json.ts';
import { readNumber } from './tree.ts';

export const du = defineCommand({
  name: 'du',
  summary: 'tell what takes the space of an image',
  description: `Bytes of file content below PATH and each of its entries, the largest first. A file with several names counts once. What
layers ship and others hide is in \`box layers\`, not here.`,
  options: {
    depth: { type: 'value', placeholder: 'N', summary: 'directories down to this many levels (default: 1)' },
    ...lookOptions,
  },
  operands: { usage: 'REF[:PATH] [PATH]', min: 1, max: 2 },
  eventsTo: 'stderr',
  examples: [{ line: 'box du --depth 2 debian:/usr', what: 'two levels of /usr' }],
  async run(invocation) {
    const { values, global, write } = invocation;
    const depth = readNumber('--depth', values.depth);
    const { look, path } = await openLook(invocation);
    await using disposing = look;
    void disposing;
    const sums = look.usage(path, depth === undefined ? {} : { depth });
    if (global.json) write(`${toJson(sums, 2)}\n`);
    else if (global.quiet) write(sums.map((sum) => `${escapeControls(sum.path)}\n`).join(''));
    else {
      const rows = sums.map((sum) => [formatBytes(sum.size), String(sum.entries), escapeControls(sum.path)]);
      write(formatTable(['SIZE', 'ENTRIES', 'PATH'], rows));
    }
    return 0;
  },
});
