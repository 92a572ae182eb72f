import { defineCommand } from '../command.ts';
import { usage } from '../args/parse.ts';
import { toJson } from '../output/json.ts';
import { writeBytes } from '../output/streams.ts';

export const exportCommand = defineCommand({
  name: 'export',
  summary: "write a container's files as a tar",
  description: `All that the container sees, running or ended, as one plain tar: hardlinks, holes, xattrs and owners kept, the owners of
the image too where they could not be on the disk. What is mounted in it (volumes, binds, /proc, /dev) is left out.
\`box import\` makes an image of such a tar.`,
  options: {
    output: { type: 'value', short: 'o', placeholder: 'FILE', summary: 'write it there instead of to standard output' },
  },
  operands: { usage: 'CONTAINER', min: 1, max: 1 },
  eventsTo: 'stderr',
  examples: [
    { line: 'box export web -o web.tar', what: 'whole, or not at all' },
    { line: 'box export web | tar -x -C /mnt', what: 'without a file between' },
  ],
  async run({ values, operands: [container = ''], signal, global, openBox, write }) {
    const { output = '-' } = values;
    if (output === '-' && process.stdout.isTTY) {
      throw usage('a tar does not go to a terminal', 'Give -o FILE, or a pipe.');
    }
    const box = await openBox();
    const tar = box.export(container, { signal });
    if (output === '-') {
      for await (const chunk of tar) await writeBytes('stdout', chunk);
      return 0;
    }
    const written = await box.layers.write(output, tar, { signal });
    if (global.json) write(`${toJson(written)}\n`);
    return 0;
  },
});
