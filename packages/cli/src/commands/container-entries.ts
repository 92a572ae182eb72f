import type { Command } from '../command.ts';
import type { CommandEntry } from './index.ts';

/** The commands on containers, in the order the help shows. */
export const containerEntries: readonly CommandEntry[] = [
  entry('ps', 'list containers', async () => (await import('./ps.ts')).ps),
  entry('logs', 'show what a detached container wrote', async () => (await import('./logs.ts')).logs),
  entry('exec', 'run a further command in a container', async () => (await import('./exec.ts')).exec),
  entry('stop', 'end containers politely', async () => (await import('./stop.ts')).stop),
  entry('kill', 'send a signal to containers', async () => (await import('./kill.ts')).kill),
  entry('wait', 'wait until containers have ended', async () => (await import('./wait.ts')).wait),
  entry('rm', 'remove containers', async () => (await import('./rm.ts')).rm),
  entry('rename', 'give a container another name', async () => (await import('./rename.ts')).rename),
];

function entry(name: string, summary: string, load: () => Promise<unknown>): CommandEntry {
  return { name, summary, load: async () => (await load()) as Command };
}
