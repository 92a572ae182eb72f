import type { ContainerSummary } from '@boxkit/box';
import { defineCommand } from '../command.ts';
import { escapeControls } from '../output/escape.ts';
import { formatPort } from '../run/format-port.ts';
import { formatAge, formatTable } from '../output/format.ts';

export const ps = defineCommand({
  name: 'ps',
  summary: 'list containers',
  options: {
    all: { type: 'flag', short: 'a', summary: 'those that have ended, too' },
    'no-trunc': { type: 'flag', summary: 'whole containerIds and commands' },
  },
  operands: { usage: '', min: 0, max: 0 },
  examples: [
    { line: 'box ps', what: 'those that run' },
    { line: 'box ps -aq', what: 'the containerIds of all' },
    { line: 'box ps -a --json', what: 'all that is known of them' },
  ],
  async run({ values, global, openBox, write }) {
    const box = await openBox();
    const listed = (await box.containers.list()).filter(({ status }) => values.all || isAlive(status));
    const shortId = (text: string): string => (values['no-trunc'] ? text : text.slice(0, 12));
    if (global.json) {
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
          statusText(container),
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

function statusText({ status, exit, started, finished }: ContainerSummary): string {
  const now = Date.now();
  if (status === 'exited') {
    const when = finished === undefined ? '' : `, ${formatAge(finished, now)}`;
    return `exited (${exit?.code ?? '?'})${when}`;
  }
  return started === undefined ? status : `${status}, since ${formatAge(started, now).replace(/ ago$/, '')}`;
}
