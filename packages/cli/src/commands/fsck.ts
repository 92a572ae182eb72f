import type { FsckResult } from '@boxkit/box';
import { defineCommand } from '../command.ts';
import { escapeControls } from '../output/escape.ts';
import { formatBytes, formatCount } from '../output/format.ts';
import { toJson } from '../output/json.ts';

export const fsck = defineCommand({
  name: 'fsck',
  summary: 'verify the store',
  description: `Reads every blob again, compares extracted layers with their indexes both ways (types, modes, owners, times,
sizes, links; with --deep also every file with the layer's blob, which takes as long as extracting it), and checks that
every image has all of its blobs, that merged trees, containers and volumes have their parts, and that names are claimed
properly. Says what would be removed, and what killed processes left. A repair leaves containers and volumes with files
in them: no pull brings those back. Ends with status 1 when something is damaged and was not repaired.`,
  options: {
    repair: { type: 'flag', summary: 'remove what is damaged; the next pull brings it back' },
    deep: { type: 'flag', summary: 'compare the files of extracted layers with their blobs, byte by byte' },
  },
  operands: { usage: '', min: 0, max: 0 },
  examples: [
    { line: 'box fsck', what: 'look only' },
    { line: 'box fsck --repair', what: 'and remove what is damaged' },
    { line: 'box fsck --deep', what: 'and read every file of every layer' },
  ],
  async run({ values, global, signal, openBox, write }) {
    const box = await openBox();
    const result = await box.fsck({ repair: values.repair, deep: values.deep, signal });
    write(global.json ? `${toJson(result, 2)}\n` : report(result, values.repair));
    return result.problems.length === 0 || result.repaired ? 0 : 1;
  },
});

function report({ checked, problems, leftovers }: FsckResult, repair: boolean): string {
  const lines = problems.map(
    ({ kind, name, path, problem, irreplaceable = false }) =>
      `${kind} ${escapeControls(name)}: ${escapeControls(problem)}\n  ${fate(irreplaceable, repair)}: ${escapeControls(path)}`,
  );
  const { staging, partial } = leftovers;
  if (staging.count > 0) {
    lines.push(`left by killed processes, for the next pull to remove: ${leftOver(staging, 'entry', 'entries')}`);
  }
  if (partial.count > 0) lines.push(`left for the next pull to resume: ${leftOver(partial, 'partial blob')}`);
  const { blobs, bytes, trees, images, containers, volumes } = checked;
  const counts = [
    `${formatCount(blobs, 'blob')} (${formatBytes(bytes)})`,
    formatCount(trees, 'tree'),
    formatCount(images, 'image'),
    formatCount(containers, 'container'),
    formatCount(volumes, 'volume'),
  ];
  lines.push(`${counts.join(', ')}: ${problems.length === 0 ? 'sound' : formatCount(problems.length, 'problem')}`);
  return `${lines.join('\n')}\n`;
}

function fate(irreplaceable: boolean, repair: boolean): string {
  if (irreplaceable) return 'has files that no pull brings back, and is left for you to look at and remove';
  return repair ? 'removed' : 'would be removed';
}

function leftOver(
  { count, bytes }: FsckResult['leftovers']['staging'],
  ...nouns: [one: string, many?: string]
): string {
  return `${formatCount(count, ...nouns)} (${formatBytes(bytes)})`;
}
