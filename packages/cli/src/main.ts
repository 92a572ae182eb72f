import { isBoxError } from '@boxkit/contracts';
import { parseArguments } from './args/parse.ts';
import { globalOptions } from './command.ts';
import type { Command, GlobalValues } from './command.ts';
import { commands } from './commands/index.ts';
import { formatHelp, formatOverview, withoutTakenShorts } from './output/help.ts';
import { formatError } from './output/report-error.ts';
import { flushStreams, writeTo } from './output/streams.ts';
import { runCommand } from './run-command.ts';

/** Runs one command line and ends the process with its status. */
export async function main(args: readonly string[]): Promise<never> {
  const status = await start(args);
  const lost = await flushStreams();
  if (lost !== undefined && status === 0) writeTo('stderr', formatError(lost, { json: false, debug: false }));
  // Not left to the event loop: an idle connection of a source must not hold up the shell's prompt.
  process.exit(lost === undefined || status !== 0 ? status : 1);
}

async function start(args: readonly string[]): Promise<number> {
  try {
    const [name, ...rest] = commandFirst(args);
    return await dispatch(name, rest);
  } catch (error) {
    writeTo('stderr', formatError(error, { json: false, debug: args.includes('--debug') }));
    return 2;
  }
}

/** `box --home DIR images` is `box images --home DIR`. */
function commandFirst(args: readonly string[]): readonly string[] {
  const [first = ''] = args;
  if (!first.startsWith('-') || ['-h', '--help', '--version'].includes(first)) return args;
  const { operands } = parseArguments(args, globalOptions, {
    usage: 'COMMAND',
    min: 0,
    max: Infinity,
    endOptions: true,
  });
  const [name, ...rest] = operands;
  const options = args.slice(0, args.length - operands.length).filter((word) => word !== '--');
  return name === undefined ? [] : [name, ...options, ...rest];
}

async function dispatch(name: string | undefined, rest: readonly string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h') {
    writeTo(name === undefined ? 'stderr' : 'stdout', formatOverview(commands));
    return name === undefined ? 2 : 0;
  }
  const found = commands.find((entry) => entry.name === (name === '--version' ? 'version' : name));
  if (found === undefined) return (await import('./foreign-command.ts')).runForeignCommand(name, rest);
  const command = await found.load();
  if (asksForHelp(command, rest)) {
    writeTo('stdout', formatHelp(command));
    return 0;
  }
  const wanted = { json: rest.includes('--json'), debug: rest.includes('--debug') };
  let global: Pick<GlobalValues, 'json' | 'debug'> = wanted;
  try {
    const specs = { ...withoutTakenShorts(globalOptions, command.options), ...command.options };
    const parsed = parseArguments(rest, specs, command.operands, command.foreign);
    const values = parsed.values as GlobalValues;
    global = values;
    return await runCommand(command, { values: parsed.values, operands: parsed.operands, global: values });
  } catch (error) {
    writeTo('stderr', formatError(error, global));
    if (isBoxError(error, 'ERR_BOX_USAGE')) return command.failure ?? 2;
    return command.failure ?? 1;
  }
}

/** Before all checks, so that `box unpack --help` needs no operands; not among a container's own arguments. */
function asksForHelp(command: Command, args: readonly string[]): boolean {
  for (const word of args) {
    if (word === '--help') return true;
    if (word === '-h' && !Object.values(command.options).some((spec) => spec.short === 'h')) return true;
    if (word === '--') return false;
    if (command.operands.endOptions === true && !word.startsWith('-')) return endsBefore(command, args);
  }
  return false;
}

/** `box run -e A=1 --help`: whether --help stands before the first operand, taking values into account. */
function endsBefore(command: Command, args: readonly string[]): boolean {
  const specs = { ...globalOptions, ...command.options };
  try {
    return parseArguments(args, specs, { ...command.operands, min: 0 }).values.help;
  } catch {
    return false;
  }
}
