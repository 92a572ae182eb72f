import type { Command } from '../command.ts';

/** A command by name, loaded when it is run. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<Command>;
}

/**
 * One row of the commands. The summary stands here so that the overview loads no command; its own options are checked
 * where it is defined, here they are just options.
 */
export function entry(name: string, summary: string, load: () => Promise<unknown>): CommandEntry {
  return { name, summary, load: async () => (await load()) as Command };
}
