import type { PublishedPort } from '@boxkit/contracts';
import { usage } from '../args/parse.ts';
import { defineCommand } from '../command.ts';
import { containerSide, hostSide } from '../run/format-port.ts';

export const port = defineCommand({
  name: 'port',
  summary: "show which ports of the host's lead into a container",
  description: `Prints \`80/tcp -> 0.0.0.0:8080\` for each published port; with PORT only where that one is reached, and 1 as the
exit status when it is not.`,
  options: {},
  operands: { usage: 'CONTAINER [PORT[/tcp|udp]]', min: 1, max: 2 },
  examples: [
    { line: 'box port web', what: 'all of them' },
    { line: 'box port web 80', what: 'where the port 80 of the container is reached' },
  ],
  async run({ operands: [container = '', wanted], global, openBox, write }) {
    const box = await openBox();
    const ports = (await box.containers.get(container)).ports.flatMap(single);
    const shown = wanted === undefined ? ports : ports.filter(fits(wanted));
    if (global.json) write(`${JSON.stringify(shown, undefined, 2)}\n`);
    else for (const one of shown) write(`${wanted === undefined ? `${containerSide(one)} -> ` : ''}${hostSide(one)}\n`);
    return wanted !== undefined && shown.length === 0 ? 1 : 0;
  },
});

/** A row of ports, one by one. */
function single({ count = 1, ...port }: PublishedPort): PublishedPort[] {
  const { hostPort, containerPort } = port;
  return Array.from({ length: count }, (_none, at) => ({
    ...port,
    hostPort: hostPort + at,
    containerPort: containerPort + at,
  }));
}

function fits(text: string): (port: PublishedPort) => boolean {
  const [, number, protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp))?$/i.exec(text) ?? [];
  if (number === undefined) throw usage(`${JSON.stringify(text)} is no port; wanted: PORT[/tcp|udp]`);
  return (port) => port.containerPort === Number(number) && (port.protocol ?? 'tcp') === protocol.toLowerCase();
}
