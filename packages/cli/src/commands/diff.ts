import { defineCommand } from '../command.ts';
import { printChanges } from '../look/container-changes.ts';
import { printComparison } from '../look/diff-images.ts';
import { lookOptions, readLookOptions } from '../look/open.ts';

export const diff = defineCommand({
  name: 'diff',
  summary: 'tell what a container changed, or what differs between two images',
  description: `Of a container, running or not: each path that it added (A), changed (C) or deleted (D), as docker diff has it; a directory
is changed when something in it is. Of two images: sizes, shared layers, config and files, A for added, D for removed, C
for changed in type, mode, owner, size, content, link, device or xattrs, times being of no account. Ends with 0 in any case.`,
  options: lookOptions,
  operands: { usage: 'CONTAINER | REF_A REF_B', min: 1, max: 2 },
  eventsTo: 'stderr',
  examples: [
    { line: 'box diff web', what: 'what the container web changed of its image' },
    { line: 'box diff debian:12.1 debian:12.2', what: 'from the first to the second' },
    { line: 'box diff --json a b', what: 'one object a line' },
  ],
  async run(invocation) {
    const { operands, global, signal, openBox, renderer } = invocation;
    const [before = '', after] = operands;
    const box = await openBox();
    if (after === undefined) {
      await printChanges(box.containers.changes(before, { signal }), global.json);
      return 0;
    }
    await using comparison = await box.compare(before, after, readLookOptions(invocation));
    renderer.clear();
    await printComparison(comparison, { json: global.json, quiet: global.quiet, signal });
    return 0;
  },
});
