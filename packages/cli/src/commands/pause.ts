import { defineCommand } from '../command.ts';
import { forEach } from '../run/for-each.ts';

export const pause = defineCommand({
  name: 'pause',
  summary: 'stop all processes of containers for a while',
  description: `Freezes the container's cgroup where it has one of cgroup v2, and stops its processes by SIGSTOP otherwise, which
their parents inside can see.`,
  options: {},
  operands: { usage: 'CONTAINER...', min: 1, max: Infinity },
  examples: [{ line: 'box pause web', what: 'none of its processes runs' }],
  run({ operands, openBox, ...io }) {
    return forEach(operands, io, async (container) => (await openBox()).containers.pause(container));
  },
});
