import type { ContainerSummary } from '@boxkit/box';
import { usage } from '../args/parse.ts';
import { escapeControls } from '../output/escape.ts';
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
  State: ({ status }) => status,
};

/** A line for each container after a template such as `{{.ID}} {{.Names}}`, of fields only. Throws ERR_BOX_USAGE. */
export function containerFormat(template: string): (container: ContainerSummary) => string {
  const place = /\{\{\s*(.*?)\s*\}\}/g;
  for (const [whole, name = ''] of template.matchAll(place)) {
    if (Object.hasOwn(fields, name.replace(/^\./, ''))) continue;
    const known = Object.keys(fields).map((field) => `{{.${field}}}`);
    throw usage(`option --format: ${whole} is none of the fields`, `They are ${known.join(', ')}; or use --json.`);
  }
  const lines = template.replaceAll('\\t', '\t').replaceAll('\\n', '\n');
  return (container) =>
    `${lines.replace(place, (_whole, name: string) => escapeControls(fields[name.slice(1)]?.(container) ?? ''))}\n`;
}
