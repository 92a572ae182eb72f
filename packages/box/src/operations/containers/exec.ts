import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { type Bundle, BoxError, type ContainerProcess, type RunningContainer } from '@boxkit/contracts';
import { resolveUser } from '@boxkit/isolator';
import { launch, planExec } from '@boxkit/launcher';
import { viewRootfs } from '@boxkit/linux';
import type { Machine } from '../machine.ts';
import { disposeWith, openScope } from '../machine.ts';
import { detailsOf } from './details.ts';
import { findContainer, pausedFile, requireProcess, wrongState } from './find.ts';
import { readBundle } from './saved-bundle.ts';
import type { ExecOptions } from './types.ts';

/** Starts a further command in a running container. Disposing of the result ends the command, not the container. */
export async function exec(
  machine: Machine,
  text: string,
  argv: readonly [string, ...string[]],
  options: ExecOptions,
): Promise<RunningContainer> {
  const record = await findContainer(machine.store, text);
  const what = 'start a command in';
  const pid = requireProcess(record, what);
  if (existsSync(join(record.path, pausedFile))) throw wrongState(record, what, 'it is paused', 'Use `box unpause`.');
  const saved = readBundle(record.path);
  const bundle = { ...saved, init: false, process: execProcess(saved, argv, options) };
  const { isolator, cgroups, stop } = detailsOf(record);
  const planned = planExec({ name: record.name, bundle, pid, isolator, cgroups, stop });
  const { stdin = 'pipe', stdout = 'pipe', stderr = 'pipe', signal } = options;
  const scope = openScope(machine, signal === undefined ? {} : { signal });
  // It is not the container that starts and ends.
  const context = { ...scope.context, emit: () => {} };
  return disposeWith(scope, () => launch({ stdin, stdout, stderr, inside: pid }).run(planned, context));
}

function execProcess(
  { process, rootfs }: Bundle,
  argv: readonly [string, ...string[]],
  { env = {}, user: wanted, workdir, terminal = false }: ExecOptions,
): ContainerProcess {
  if (workdir !== undefined && !isAbsolute(workdir)) {
    throw new BoxError('ERR_BOX_USAGE', `cannot start a command in ${workdir}: the path is not absolute`);
  }
  const user = wanted === undefined ? process.user : resolveUser(wanted, viewRootfs(rootfs));
  const own: Record<string, string> = { ...(terminal ? { TERM: 'xterm' } : {}), ...process.env };
  if (wanted !== undefined) own['HOME'] = user.home;
  return {
    argv,
    env: { ...own, ...env },
    cwd: workdir ?? process.cwd,
    user,
    terminal,
  };
}
