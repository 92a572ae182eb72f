import type { FsckResult } from '@boxkit/box';
import { defineCommand } from '../command.ts';
import { escapeControls } from '../output/escape.ts';
import { formatBytes } from '../output/format.ts';
import { toJson } from '../output/json.ts';

export const fsck = defineCommand({
  name: 'fsck',
  summary: 'verify the store',
  description: `Reads every blob again, compares extracted layers with their indexes (types, modes, sizes, links) and checks
that every image has all of its blobs. Says what would be removed. Ends with status 1 when something is damaged and was
not repaired.`,
  options: { repair: { type: 'flag', summary: 'remove what is damaged; the next pull brings it back' } },
  operands: { usage: '', min: 0, max: 0 },
  examples: [
    { line: 'box fsck', what: 'look only' },
    { line: 'box fsck --repair', what: 'and remove what is damaged' },
  ],
  async run({ values, global, signal, openBox, write }) {
    const box = await openBox();
    const result = await box.fsck({ repair: values.repair, signal });
    write(global.json ? `${toJson(result, 2)}\n` : report(result));
    return result.problems.length === 0 || result.repaired ? 0 : 1;
  },
});

function report({ checked, problems, repaired }: FsckResult): string {
  const fate = repaired ? 'removed' : 'would be removed';
  const lines = problems.map(
    ({ kind, name, path, problem }) =>
      `${kind} ${escapeControls(name)}: ${escapeControls(problem)}\n  ${fate}: ${escapeControls(path)}`,
  );
  lines.push(
    `${checked.blobs} blobs (${formatBytes(checked.bytes)}), ${checked.trees} trees, ${checked.images} images: ` +
      (problems.length === 0 ? 'sound' : `${problems.length} problems`),
  );
  return `${lines.join('\n')}\n`;
}
