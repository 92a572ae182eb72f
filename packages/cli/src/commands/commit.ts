import { defineCommand } from '../command.ts';
import { readInstructions } from '../make/changes.ts';
import { compressionOptions, readCompression } from '../make/compression.ts';
import { printMade } from '../make/options.ts';

export const commit = defineCommand({
  name: 'commit',
  summary: 'make an image of a container, with what it changed as a layer',
  description: `The new image is the container's own with one layer on top: what was added and changed, whiteouts for what was
deleted. What is mounted in the container (volumes, binds, /proc, /dev) is not in it, nor what box itself made to mount
on. Owners, modes and xattrs are the image's where the container left them alone, without root too. The configuration
is the image's with what the container was started with (command, entrypoint, variables, user, working directory, stop
signal, labels, published ports), and with --change on top. Prints the digest of the new manifest.`,
  options: {
    change: { type: 'list', short: 'c', placeholder: 'INSTRUCTION', summary: "a Dockerfile's line: 'CMD [\"sh\"]'" },
    author: { type: 'value', short: 'a', placeholder: 'TEXT', summary: 'who made it' },
    message: { type: 'value', short: 'm', placeholder: 'TEXT', summary: 'a remark in the history' },
    pause: { type: 'switch', short: 'p', summary: 'hold a running container still meanwhile (default; --pause=false)' },
    ...compressionOptions('how the layer is compressed (default: gzip)'),
  },
  operands: { usage: 'CONTAINER NEW', min: 2, max: 2 },
  examples: [
    { line: 'box commit web web:patched', what: 'running or ended' },
    {
      line: `box commit -c 'CMD ["nginx", "-g", "daemon off;"]' -m 'with modules' web web:2`,
      what: 'with another command',
    },
    { line: 'box commit web docker://127.0.0.1:5000/web:2', what: 'straight into a registry' },
  ],
  async run(invocation) {
    const { values, operands, signal, openBox } = invocation;
    const [container = '', tag = ''] = operands;
    const changes = readInstructions(values.change);
    const options = readCompression(values);
    const box = await openBox();
    const made = await box.commit(container, {
      tag,
      signal,
      changes,
      ...options,
      ...(values.author !== undefined && { author: values.author }),
      ...(values.message !== undefined && { message: values.message }),
      ...(values.pause !== undefined && { pause: values.pause }),
    });
    printMade(made, invocation as never);
    return 0;
  },
});
