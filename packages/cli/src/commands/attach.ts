import { defineCommand } from '../command.ts';
import { connectAttachment } from '../run/attachment.ts';
import { parseKeys } from '../run/detach-keys.ts';

export const attach = defineCommand({
  name: 'attach',
  summary: 'connect to the streams of a detached container',
  description: `Shows what the container writes from now on, and gives it what is typed when it was started with -i (its input
ends when the caller's does). Ctrl-P Ctrl-Q leaves a container with a terminal without ending it. The exit status is the
container's, when it ends.`,
  options: {
    'no-stdin': { type: 'flag', summary: 'only look' },
    'detach-keys': {
      type: 'value',
      placeholder: 'KEYS',
      summary: "what leaves a terminal (default: ctrl-p,ctrl-q); '' for nothing",
    },
  },
  operands: { usage: 'CONTAINER', min: 1, max: 1 },
  eventsTo: 'stderr',
  failure: 125,
  examples: [{ line: 'box attach shell', what: 'back to one that was started with -dit' }],
  async run({ values, operands: [container = ''], signal, openBox }) {
    const leaveKeys = parseKeys('--detach-keys', values['detach-keys'] ?? 'ctrl-p,ctrl-q');
    const box = await openBox();
    await using attachment = await box.containers.attach(container, { signal });
    using connection = connectAttachment(attachment, { stdin: !values['no-stdin'], leaveKeys });
    const exit = await Promise.race([attachment.exit, connection.left]);
    await connection.drained();
    return exit?.code ?? 0;
  },
});
