import type { ImagePath } from '@boxkit/box';
import { defineCommand } from '../command.ts';
import { lookOptions, openLook } from '../look/open.ts';
import { escapeControls } from '../output/escape.ts';
import { formatTable, shortDigest } from '../output/format.ts';
import { toJson } from '../output/json.ts';

export const why = defineCommand({
  name: 'why',
  summary: 'tell which layer a path comes from, and by which command',
  description: `Topmost first, every layer that has to do with the path: what it does there, and the step of the build that made the
layer. A * marks the layer that is seen; a path that was deleted has none.
A directory that is there only for what lies below it has no layer of its own.`,
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
      entry === undefined ? '-' : describeEntry(entry),
      escapeControls((createdBy ?? '').slice(0, 100)),
    ]);
    const state = rows.length === 0 ? ' (no layer has an entry of its own for it)' : ' (deleted)';
    write(`${escapeControls(origin.path)}${origin.owner === undefined || rows.length === 0 ? state : ''}\n`);
    if (rows.length > 0) write(formatTable(['', '#', 'DIFFID', 'DOES', 'ENTRY', 'CREATED BY'], rows));
    return 0;
  },
});

/** `file 0644 0:0 1234`; a link has its target, a device its numbers, in the place of the size. */
function describeEntry({ type, mode, uid, gid, size, link, device }: ImagePath): string {
  const what = link === undefined ? (device ?? String(size)) : `-> ${escapeControls(link)}`;
  return `${type} ${mode} ${uid}:${gid}${type === 'directory' || type === 'fifo' ? '' : ` ${what}`}`;
}
