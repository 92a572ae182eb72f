import type { ContainerSummary } from '@boxkit/box';
import { usage } from '../args/parse.ts';
import { escapeControls } from '../output/escape.ts';
import { formatAge } from '../output/format.ts';
import { containerStatus } from './container-status.ts';
import { formatPort } from './format-port.ts';

/** What docker calls them. */
const fields: Readonly<Record<string, (container: ContainerSummary) => string>> = {
  Command: ({ command }) => command.join(' '),
  CreatedAt: ({ created }) => created,
  ID: ({ containerId }) => containerId.slice(0, 12),
  Image: ({ reference }) => reference,
  Labels: ({ labels }) =>
    Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
  Names: ({ name }) => name,
  Ports: ({ ports }) => ports.map(formatPort).join(', '),
  RunningFor: ({ created }) => formatAge(created, Date.now()),
  State: ({ status }) => status,
  Status: containerStatus,
};

/** Lines, and what stands above them. */
interface ContainerFormat {
  readonly heading: string;
  readonly line: (container: ContainerSummary) => string;
}

/**
 * A line for each container after a template such as `{{.ID}} {{.Names}}`, of fields only; `table` before it asks for a
 * heading. Throws ERR_BOX_USAGE.
 */
export function containerFormat(wanted: string): ContainerFormat {
  const [, table, template = ''] = /^(table\s+)?(.*)$/s.exec(wanted) ?? [];
  const place = /\{\{\s*(.*?)\s*\}\}/g;
  for (const [whole, name = ''] of template.matchAll(place)) {
    if (Object.hasOwn(fields, name.replace(/^\./, ''))) continue;
    const known = Object.keys(fields).map((field) => `{{.${field}}}`);
    throw usage(`option --format: ${whole} is none of the fields`, `They are ${known.join(', ')}; or use --json.`);
  }
  const lines = template.replaceAll('\\t', '\t').replaceAll('\\n', '\n');
  const fill = (of: (name: string) => string): string =>
    `${lines.replace(place, (_whole, name: string) => of(name.replace(/^\./, '')))}\n`;
  return {
    heading: table === undefined ? '' : fill((name) => name.toUpperCase()),
    line: (container) => fill((name) => escapeControls(fields[name]?.(container) ?? '')),
  };
}
