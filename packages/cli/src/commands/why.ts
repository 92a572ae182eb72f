import { defineCommand } from '../command.ts';
import { lookOptions, openLook } from '../look/open.ts';
import { escapeControls } from '../output/escape.ts';
import { formatTable, shortDigest } from '../output/format.ts';
import { toJson } from '../output/json.ts';

export const why = defineCommand({
  name: 'why',
  summary: 'tell which layer a path comes from, and by which command',
  description: `Topmost first, every layer that has to do with the path: what it does there, and the step of the build that made the
layer. A * marks the layer that is seen; a path that was deleted has none.`,
  options: lookOptions,
  operands: { usage: 'REF[:PATH] [PATH]', min: 1, max: 2 },
  eventsTo: 'stderr',
  examples: [{ line: 'box why debian /etc/passwd', what: 'who wrote it last, and over what' }],
  async run(invocation) {
    const { global, write } = invocation;
    const { look, path } = await openLook(invocation);
    await using disposing = look;
    void disposing;
    const origin = look.why(path);
    if (global.json) {
      write(`${toJson(origin, 2)}\n`);
      return 0;
    }
    const rows = origin.layers.map(({ position, diffId, does, entry, createdBy }) => [
      origin.owner === position ? '*' : '',
      String(position),
      shortDigest(diffId),
      does,
      entry === undefined ? '-' : `${entry.type} ${entry.mode} ${entry.uid}:${entry.gid} ${entry.size}`,
      escapeControls((createdBy ?? '').slice(0, 100)),
    ]);
    const state = origin.owner === undefined ? ' (deleted)' : '';
    write(`${escapeControls(origin.path)}${state}\n`);
    write(formatTable(['', '#', 'DIFFID', 'DOES', 'ENTRY', 'CREATED BY'], rows));
    return 0;
  },
});
