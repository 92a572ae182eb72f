import { defineCommand } from '../command.ts';
import { printComparison } from '../look/diff-images.ts';
import { lookOptions, readLookOptions } from '../look/open.ts';

export const diff = defineCommand({
  name: 'diff',
  summary: 'tell what differs between two images',
  description: `Sizes, shared layers, config and files: A for added, D for removed, C for changed in type, mode, owner, size, content, link,
device or xattrs. Times are of no account. Ends with 0 in any case.`,
  options: lookOptions,
  operands: { usage: 'REF_A REF_B', min: 2, max: 2 },
  eventsTo: 'stderr',
  examples: [
    { line: 'box diff debian:12.1 debian:12.2', what: 'from the first to the second' },
    { line: 'box diff --json a b', what: 'one object a line' },
  ],
  async run(invocation) {
    const { operands, global, signal, openBox, renderer } = invocation;
    const [before = '', after = ''] = operands;
    const box = await openBox();
    await using comparison = await box.compare(before, after, readLookOptions(invocation));
    renderer.clear();
    await printComparison(comparison, { json: global.json, quiet: global.quiet, signal });
    return 0;
  },
});
