import type { Box } from '@boxkit/box';
import type { ForeignOptions, OperandSpec, OptionSpecs, OptionValues } from './args/options.ts';
import type { Renderer } from './output/renderer.ts';

export interface Example {
  readonly line: string;
  readonly what: string;
}

/** One command of `box`: what its help shows, and what it does. */
export interface Command<Specs extends OptionSpecs = OptionSpecs> {
  readonly name: string;
  readonly summary: string;
  /** Paragraphs of the help, below the usage. */
  readonly description?: string;
  readonly options: Specs;
  readonly operands: OperandSpec;
  readonly foreign?: ForeignOptions;
  readonly examples: readonly Example[];
  /** Where events go: `run` keeps stdout for the container. Default stdout in JSON, else stderr. */
  readonly eventsTo?: 'stderr';
  /** The exit status when box itself fails: 125 as docker has it for `run`, else 1, and 2 for usage. */
  readonly failure?: number;
  /** Resolves to the exit status. */
  run(invocation: Invocation<Specs>): Promise<number>;
}

export interface Invocation<Specs extends OptionSpecs> {
  readonly values: OptionValues<Specs>;
  readonly operands: readonly string[];
  readonly global: GlobalValues;
  /** Aborted by SIGINT, SIGTERM and SIGHUP. */
  readonly signal: AbortSignal;
  readonly renderer: Renderer;
  /** Writes to stdout as it is; for text from outside use `print`. */
  readonly write: (text: string) => void;
  /** Opens the box of `--home`, with the plugins and the renderer; disposed when the command ends. */
  readonly openBox: () => Promise<Box>;
  /** Hands SIGINT, SIGTERM and SIGHUP to a function instead of the abort, until the command ends. */
  readonly takeSignals: (handler: (signal: NodeJS.Signals) => void) => void;
}

/** Options that every command takes. */
export const globalOptions = {
  home: { type: 'value', placeholder: 'DIR', summary: 'keep everything in DIR (default: $BOX_HOME)' },
  config: { type: 'value', placeholder: 'FILE', summary: 'read settings from FILE (default: $BOX_CONFIG)' },
  plugin: { type: 'list', placeholder: 'MODULE', summary: 'load a plugin: a path or a package' },
  json: { type: 'flag', summary: 'print events and results as JSON' },
  quiet: { type: 'flag', short: 'q', summary: 'print results and errors only' },
  verbose: { type: 'flag', summary: 'tell of every stage' },
  debug: { type: 'flag', summary: 'show stacks of errors, and diagnostics' },
  help: { type: 'flag', summary: 'show this help' },
} as const satisfies OptionSpecs;

export type GlobalValues = OptionValues<typeof globalOptions>;

/** Types a command; returns what it is given. */
export function defineCommand<const Specs extends OptionSpecs>(command: Command<Specs>): Command<Specs> {
  return command;
}
