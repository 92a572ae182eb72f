import type { ContainerSummary } from '@boxkit/box';
import { defineCommand } from '../command.ts';
import { escapeControls } from '../output/escape.ts';
import { containerFilter } from '../run/container-filter.ts';
import { containerFormat } from '../run/container-format.ts';
import { containerStatus } from '../run/container-status.ts';
import { formatPort } from '../run/format-port.ts';
import { parseNumber } from '../run/values.ts';
import { formatAge, formatTable } from '../output/format.ts';

export const ps = defineCommand({
  name: 'ps',
  summary: 'list containers',
  options: {
    all: { type: 'flag', short: 'a', summary: 'those that have ended, too' },
    filter: {
      type: 'list',
      short: 'f',
      placeholder: 'KEY=VALUE',
      summary: 'those only of this name, status, id, label, ancestor',
    },
    format: { type: 'value', placeholder: 'TEMPLATE', summary: 'a line each, such as {{.ID}} {{.Names}}; or json' },
    last: { type: 'value', short: 'n', placeholder: 'NUMBER', summary: 'the last made, whether they run or not' },
    latest: { type: 'flag', short: 'l', summary: 'the last made' },
    'no-trunc': { type: 'flag', summary: 'whole containerIds and commands' },
  },
  operands: { usage: '', min: 0, max: 0 },
  examples: [
    { line: 'box ps', what: 'those that run' },
    { line: 'box ps -aq', what: 'the containerIds of all' },
    { line: 'box ps -a --json', what: 'all that is known of them' },
    { line: "box ps -f status=paused --format '{{.Names}}'", what: 'the names of some' },
  ],
  async run({ values, global, openBox, write }) {
    const box = await openBox();
    const wanted = containerFilter(values.filter);
    const format = values.format === undefined || values.format === 'json' ? undefined : containerFormat(values.format);
    const last = values.latest ? 1 : values.last === undefined ? undefined : parseNumber('--last', values.last);
    // a wish for containers of one status is a wish for all of them
    const all = values.all || last !== undefined || values.filter.some((text) => text.startsWith('status='));
    const found = (await box.containers.list()).filter((one) => (all || isAlive(one.status)) && wanted(one));
    const listed = last === undefined ? found : found.slice(-last);
    const shortId = (text: string): string => (values['no-trunc'] ? text : text.slice(0, 12));
    if (format !== undefined) {
      write(format.heading);
      for (const container of listed.toReversed()) write(format.line(container));
    } else if (global.json || values.format === 'json') {
      write(`${JSON.stringify(listed, undefined, 2)}\n`);
    } else if (global.quiet) {
      for (const { containerId } of listed.toReversed()) write(`${shortId(containerId)}\n`);
    } else {
      const rows = listed
        .toReversed()
        .map((container) => [
          shortId(container.containerId),
          escapeControls(container.reference),
          shortCommand(container, values['no-trunc']),
          formatAge(container.created, Date.now()),
          containerStatus(container),
          container.ports.map(formatPort).join(', '),
          container.name,
        ]);
      write(formatTable(['CONTAINER ID', 'IMAGE', 'COMMAND', 'CREATED', 'STATUS', 'PORTS', 'NAME'], rows));
    }
    return 0;
  },
});

const isAlive = (status: ContainerSummary['status']): boolean => status !== 'exited' && status !== 'created';

function shortCommand({ command }: ContainerSummary, whole: boolean): string {
  const text = escapeControls(command.join(' '));
  return whole || text.length <= 30 ? text : `${text.slice(0, 29)}…`;
}
