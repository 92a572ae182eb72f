import { entry, type CommandEntry } from './entry.ts';

/** The commands on containers, in the order the help shows. */
export const containerEntries: readonly CommandEntry[] = [
  entry('ps', 'list containers', async () => (await import('./ps.ts')).ps),
  entry('logs', 'show what a detached container wrote', async () => (await import('./logs.ts')).logs),
  entry('exec', 'run a further command in a container', async () => (await import('./exec.ts')).exec),
  entry('attach', 'connect to the streams of a detached container', async () => (await import('./attach.ts')).attach),
  entry('stop', 'end containers politely', async () => (await import('./stop.ts')).stop),
  entry('kill', 'send a signal to containers', async () => (await import('./kill.ts')).kill),
  entry('start', 'start containers once more that have ended', async () => (await import('./start.ts')).start),
  entry('wait', 'wait until containers have ended', async () => (await import('./wait.ts')).wait),
  entry('rm', 'remove containers', async () => (await import('./rm.ts')).rm),
  entry('rename', 'give a container another name', async () => (await import('./rename.ts')).rename),
  entry('cp', 'copy files to and from a container', async () => (await import('./cp.ts')).cp),
  entry('port', "show which ports of the host's lead into a container", async () => (await import('./port.ts')).port),
  entry('top', 'list the processes of a container', async () => (await import('./top.ts')).top),
  entry('stats', 'show what containers use', async () => (await import('./stats.ts')).stats),
  entry('pause', 'stop all processes of containers for a while', async () => (await import('./pause.ts')).pause),
  entry('unpause', 'let paused containers go on', async () => (await import('./unpause.ts')).unpause),
];
