import { usage } from '../args/parse.ts';
import { nearest } from '../args/suggest.ts';
import { defineCommand, type Command } from '../command.ts';
import { formatHelp, formatOverview } from '../output/help.ts';
import type { CommandEntry } from './entry.ts';

/** The command `help` on these commands. */
export function helpOn(commands: readonly CommandEntry[]): Command {
  return defineCommand({
    name: 'help',
    summary: 'show help on a command',
    options: {},
    operands: { usage: '[COMMAND]', min: 0, max: 1 },
    examples: [{ line: 'box help run', what: 'the same as `box run --help`' }],
    async run({ operands: [name], write }) {
      if (name === undefined) {
        write(formatOverview(commands));
        return 0;
      }
      const entry = commands.find((command) => command.name === name);
      if (entry === undefined) throw unknownCommand(name, commands);
      write(formatHelp(await entry.load()));
      return 0;
    },
  });
}

export function unknownCommand(name: string, commands: readonly CommandEntry[]): Error {
  const near = nearest(
    name,
    commands.map((command) => command.name),
  );
  const meant = near === undefined ? '' : `; did you mean ${near}?`;
  return usage(`there is no command ${JSON.stringify(name)}${meant}`, '`box help` lists the commands.');
}
