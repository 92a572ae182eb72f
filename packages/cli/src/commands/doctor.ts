import type { Diagnosis } from '@boxkit/box';
import { defineCommand } from '../command.ts';
import { escapeControls } from '../output/escape.ts';
import { toJson } from '../output/json.ts';

const headings = {
  isolator: 'Isolation backends',
  'rootfs-driver': 'Rootfs drivers',
  source: 'Image sources',
  tool: 'Tools',
} as const;

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'tell what works on this machine',
  description: `Asks each isolation backend, rootfs driver and tool whether it works here for this user, and if not why
and what to do. Ends with status 1 when no container can be run.`,
  options: { capabilities: { type: 'flag', summary: 'show what each backend enforces, and why not' } },
  operands: { usage: '', min: 0, max: 0 },
  examples: [
    { line: 'box doctor', what: 'as this user' },
    { line: 'sudo box doctor', what: 'as root' },
    { line: 'box doctor --capabilities', what: 'what each backend can enforce' },
  ],
  async run({ values, global, signal, openBox, write }) {
    const box = await openBox();
    const found = await box.doctor({ signal });
    if (global.json) write(`${toJson(found, 2)}\n`);
    else write(report(found, values.capabilities));
    return canRun(found) ? 0 : 1;
  },
});

function report(found: readonly Diagnosis[], withCapabilities: boolean): string {
  const lines: string[] = [];
  for (const [kind, heading] of Object.entries(headings)) {
    lines.push(`${heading}:`);
    for (const diagnosis of found.filter((one) => one.kind === kind)) {
      lines.push(...describe(diagnosis));
      if (withCapabilities) lines.push(...describeCapabilities(diagnosis));
    }
    lines.push('');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

function describe({ name, probe, description }: Diagnosis): string[] {
  const label = `  ${escapeControls(name).padEnd(16)}`;
  if (probe.available) {
    const notes = [probe.version, probe.note, description].filter((note) => note !== undefined);
    return [`${label} yes  ${escapeControls(notes.join('; '))}`.trimEnd()];
  }
  const what = description === undefined ? '' : ` (${description})`;
  const lines = [`${label} no   ${escapeControls(probe.reason + what)}`];
  if (probe.hint !== undefined) lines.push(`${' '.repeat(24)}${escapeControls(probe.hint)}`);
  return lines;
}

function describeCapabilities({ capabilities }: Diagnosis): string[] {
  return Object.entries(capabilities ?? {}).map(([feature, can]) => {
    const answer = can === true ? 'yes' : `no: ${escapeControls(can)}`;
    return `      ${feature.padEnd(20)} ${answer}`;
  });
}

/** `chroot` is never chosen by itself, so it does not count. */
function canRun(found: readonly Diagnosis[]): boolean {
  const works = (kind: Diagnosis['kind']): boolean =>
    found.some((one) => one.kind === kind && one.probe.available && one.name !== 'chroot');
  return works('isolator') && works('rootfs-driver');
}
