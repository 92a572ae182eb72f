import { defineCommand } from '../command.ts';
import { formatPath } from '../look/format-path.ts';
import { lookOptions, openLook } from '../look/open.ts';
import { streamJson, streamLines } from '../look/stream.ts';
import { escapeControls } from '../output/escape.ts';

export const ls = defineCommand({
  name: 'ls',
  summary: 'list a directory of an image',
  description: `Type, mode, owner, size and time as the image has them, the layer that each comes from, and the path. Symlinks on the way
are followed inside the image.`,
  options: lookOptions,
  operands: { usage: 'REF[:PATH] [PATH]', min: 1, max: 2 },
  eventsTo: 'stderr',
  examples: [
    { line: 'box ls alpine:/etc', what: 'a directory' },
    { line: 'box ls -q alpine /bin', what: 'paths only' },
  ],
  async run(invocation) {
    const { global, signal } = invocation;
    const { look, path } = await openLook(invocation);
    await using disposing = look;
    void disposing;
    const entries = look.list(path);
    if (global.json) await streamJson(entries, signal);
    else
      await streamLines(
        entries.map((entry) => (global.quiet ? escapeControls(entry.path) : formatPath(entry))),
        signal,
      );
    return 0;
  },
});
