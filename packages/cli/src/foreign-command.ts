import { globalOptions } from './command.ts';
import { commands } from './commands/index.ts';
import { unknownCommand } from './commands/help.ts';
import { parseArguments } from './args/parse.ts';
import { openBox } from './open-box.ts';
import { createRenderer } from './output/create-renderer.ts';
import { formatError } from './output/report-error.ts';
import { writeTo } from './output/streams.ts';
import { watchSignals } from './signals.ts';

/** Runs a command that a plugin of the configuration file contributed; what follows its name is the plugin's to read. */
export async function runForeignCommand(name: string, args: readonly string[]): Promise<number> {
  using signals = watchSignals();
  try {
    const global = parseArguments([], globalOptions, { usage: '', min: 0, max: 0 }).values;
    const renderer = createRenderer({
      mode: 'quiet',
      stages: false,
      terminal: undefined,
      write: (text) => writeTo('stderr', text),
    });
    await using box = await openBox(global, renderer);
    const command = box.commands.find((candidate) => candidate.name === name);
    if (command === undefined) throw unknownCommand(name, commands);
    if (args[0] === '--help') {
      writeTo('stdout', command.help.endsWith('\n') ? command.help : `${command.help}\n`);
      return 0;
    }
    const { stdin, stdout, stderr } = process;
    return await command.run(args, { stdin, stdout, stderr, signal: signals.signal });
  } catch (error) {
    writeTo('stderr', formatError(error, { debug: args.includes('--debug'), json: false }));
    return signals.exitStatus ?? 2;
  }
}

/** The names of the built-in commands, which no plugin can take. */
export const builtInCommands: readonly string[] = commands.map((command) => command.name);
