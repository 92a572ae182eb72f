import { formatPlatform } from '@boxkit/box';
import { defineCommand } from '../command.ts';
import { escapeControls } from '../output/escape.ts';
import { formatAge, formatBytes, formatTable, shortDigest } from '../output/format.ts';
import { toJson } from '../output/json.ts';

export const images = defineCommand({
  name: 'images',
  summary: 'list the images that are kept',
  options: {},
  operands: { usage: '', min: 0, max: 0 },
  examples: [
    { line: 'box images', what: 'a table' },
    { line: 'box images -q', what: 'names only' },
    { line: 'box images --json', what: 'the whole records' },
  ],
  async run({ global, openBox, write }) {
    const box = await openBox();
    const stored = await box.images();
    if (global.json) {
      write(`${toJson(stored, 2)}\n`);
    } else if (global.quiet) {
      for (const image of stored) write(`${escapeControls(image.reference)}\n`);
    } else {
      const rows = stored.map((image) => [
        escapeControls(image.reference),
        shortDigest(image.root.digest),
        escapeControls(formatPlatform(image.platform)),
        formatBytes(image.size),
        formatAge(image.updated, Date.now()),
      ]);
      write(formatTable(['REFERENCE', 'DIGEST', 'PLATFORM', 'SIZE', 'UPDATED'], rows));
    }
    return 0;
  },
});
