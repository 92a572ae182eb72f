import { defineCommand } from '../command.ts';
import { lookOptions, openLook } from '../look/open.ts';
import { escapeControls } from '../output/escape.ts';
import { formatBytes, formatTable, shortDigest } from '../output/format.ts';
import { toJson } from '../output/json.ts';

export const layers = defineCommand({
  name: 'layers',
  summary: 'list the layers of an image',
  description: `Lowest first: the diffID, the size as it is stored, what the layer adds, changes and deletes of those below, the bytes
that layers above hide (shipped, and never seen), and the step of the build that made it.`,
  options: lookOptions,
  operands: { usage: 'REF', min: 1, max: 1 },
  eventsTo: 'stderr',
  examples: [
    { line: 'box layers alpine', what: 'a table' },
    { line: "box layers --json debian | jq 'map(.wasted) | add'", what: 'bytes that nobody sees' },
  ],
  async run(invocation) {
    const { global, write } = invocation;
    const { look } = await openLook(invocation);
    await using disposing = look;
    void disposing;
    const reports = look.layers();
    if (global.json) {
      const all = reports.map((report, at) => ({ ...look.image.layers[at], ...report }));
      write(`${toJson(all, 2)}\n`);
    } else if (global.quiet) {
      for (const { diffId } of reports) write(`${diffId}\n`);
    } else {
      const rows = reports.map((report) => [
        String(report.position),
        shortDigest(report.diffId),
        formatBytes(report.descriptor.size),
        String(report.entries),
        String(report.adds),
        String(report.changes),
        String(report.deletes),
        report.wasted === 0 ? '-' : formatBytes(report.wasted),
        escapeControls((report.createdBy ?? '').slice(0, 100)),
      ]);
      const headings = ['#', 'DIFFID', 'SIZE', 'ENTRIES', 'ADDS', 'CHANGES', 'DELETES', 'WASTED', 'CREATED BY'];
      write(formatTable(headings, rows));
    }
    return 0;
  },
});
