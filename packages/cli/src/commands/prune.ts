import type { PruneResult } from '@boxkit/box';
import { usage } from '../args/parse.ts';
import { defineCommand } from '../command.ts';
import { escapeControls } from '../output/escape.ts';
import { formatBytes } from '../output/format.ts';
import { toJson } from '../output/json.ts';

export const prune = defineCommand({
  name: 'prune',
  summary: 'free what nothing needs',
  description: `Removes blobs, layers and staging that no image, container or running process needs; safe while others
pull and run. With --all, also the names of images that no container was made from.`,
  options: {
    all: { type: 'flag', short: 'a', summary: 'also images that no container uses' },
    force: { type: 'flag', short: 'f', summary: 'do not ask before removing images' },
    'dry-run': { type: 'flag', short: 'n', summary: 'only tell what would go, and how many bytes' },
  },
  operands: { usage: '', min: 0, max: 0 },
  examples: [
    { line: 'box prune', what: 'what nothing needs' },
    { line: 'box prune --all --dry-run', what: 'see what images would go' },
    { line: 'box prune --all --force', what: 'all images without containers' },
  ],
  async run({ values, global, signal, openBox, write }) {
    const dryRun = values['dry-run'];
    if (values.all && !dryRun && !values.force && !(await confirmed(signal))) return 1;
    const box = await openBox();
    const result = await box.prune({ all: values.all, dryRun, signal });
    write(global.json ? `${toJson(result, 2)}\n` : report(result, global.quiet));
    return 0;
  },
});

function report({ removed, bytes, dryRun }: PruneResult, quiet: boolean): string {
  const lines = quiet
    ? []
    : removed.map((item) => `${item.kind} ${escapeControls(item.name)}: ${formatBytes(item.bytes)}`);
  lines.push(`${dryRun ? 'would free' : 'freed'} ${formatBytes(bytes)}`);
  return `${lines.join('\n')}\n`;
}

/** Asks on the terminal; where there is none to ask on, wants --force. */
async function confirmed(signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw usage('prune --all removes images', 'Give --force to do so without being asked, or --dry-run to look first.');
  }
  const { askLine } = await import('../output/ask.ts');
  return /^y(?:es)?$/i.test(await askLine('Remove all images that no container uses? [y/N] ', signal));
}
