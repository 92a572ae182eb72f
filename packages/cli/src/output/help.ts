import { globalOptions } from '../command.ts';
import type { Command } from '../command.ts';
import type { OptionSpec, OptionSpecs } from '../args/options.ts';

/** What `box help` prints. */
export function formatOverview(commands: readonly { readonly name: string; readonly summary: string }[]): string {
  return `box turns an image reference into a running, isolated process.

Usage: box COMMAND [OPTION...] [ARG...]

Commands:
${commands.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`).join('\n')}

Options of every command:
${formatOptions(globalOptions)}

Examples:
  box run host:sh,ls -- ls /             a container of this machine's own programs, without network
  box run --rm alpine -- cat /etc/os-release
  box doctor                             what works here

\`box COMMAND --help\` shows a command's own options and examples.
`;
}

/** What `box COMMAND --help` prints. */
export function formatHelp(command: Command): string {
  const width = Math.max(...command.examples.map((example) => example.line.length));
  const own = Object.keys(command.options).length > 0;
  const parts = [
    `Usage: box ${command.name} ${own ? '[OPTION...] ' : ''}${command.operands.usage}`.trimEnd(),
    command.description ?? `${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.`,
    ...(own ? [`Options:\n${formatOptions(command.options)}`] : []),
    `Options of every command:\n${formatOptions(withoutTakenShorts(globalOptions, command.options))}`,
    `Examples:\n${command.examples.map(({ line, what }) => `  ${line.padEnd(width)}   ${what}`).join('\n')}`,
  ];
  return `${parts.join('\n\n')}\n`;
}

function formatOptions(options: OptionSpecs): string {
  return Object.entries(options)
    .map(([name, spec]) => {
      const left = `${spec.short === undefined ? '   ' : `-${spec.short},`} --${name}${placeholderOf(spec)}`;
      const again = spec.type === 'list' ? ' (may be repeated)' : '';
      return left.length > 28
        ? `  ${left}\n${' '.repeat(32)}${spec.summary}${again}`
        : `  ${left.padEnd(29)} ${spec.summary}${again}`;
    })
    .join('\n');
}

function placeholderOf(spec: OptionSpec): string {
  return spec.type === 'flag' || spec.type === 'switch' ? '' : ` ${spec.placeholder ?? 'VALUE'}`;
}

/** A command's own letters win. */
export function withoutTakenShorts(global: OptionSpecs, own: OptionSpecs): OptionSpecs {
  const taken = new Set(Object.values(own).map((spec) => spec.short));
  return Object.fromEntries(
    Object.entries(global).map(([name, spec]) => {
      if (spec.short === undefined || !taken.has(spec.short)) return [name, spec];
      const { short: _short, ...rest } = spec;
      return [name, rest];
    }),
  );
}
