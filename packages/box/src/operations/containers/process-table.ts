import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { BoxError } from '@boxkit/contracts';
import { findProgram, hostEnvironment } from '@boxkit/linux';
import type { DiskStore } from '@boxkit/store';
import type { Cancellable } from '../../options.ts';
import { findContainer, requireProcess } from './find.ts';
import { processesOf } from './processes.ts';

/** Bytes of what ps may print. */
const longest = 64 * 1024 * 1024;

/**
 * What the host's ps(1) prints with these options, its title and the lines of the container's own processes. As docker
 * has it, the columns must have PID among them. Throws ERR_BOX_USAGE when ps refuses the options or is not there.
 */
export async function processTable(
  store: DiskStore,
  text: string,
  options: readonly string[],
  { signal }: Cancellable,
): Promise<string> {
  const record = await findContainer(store, text);
  requireProcess(record, 'list the processes of');
  const printed = await runPs(options, signal);
  // asked for afterwards: a process that has started meanwhile is in no line
  const pids = new Set(processesOf(record).map(String));
  const [title = '', ...lines] = printed.trimEnd().split('\n');
  const column = title.trim().split(/\s+/).indexOf('PID');
  if (column === -1) throw refused(options, 'there is no PID among the columns');
  const own = lines.filter((line) => pids.has(line.trim().split(/\s+/)[column] ?? ''));
  return [title, ...own].map((line) => `${line.trimEnd()}\n`).join('');
}

async function runPs(options: readonly string[], signal: AbortSignal | undefined): Promise<string> {
  const ps = findProgram('ps');
  if (ps === undefined) throw refused(options, 'there is no program ps on this machine');
  try {
    const how = { env: hostEnvironment, maxBuffer: longest, ...(signal === undefined ? {} : { signal }) };
    return (await promisify(execFile)(ps, options, how)).stdout;
  } catch (error) {
    signal?.throwIfAborted();
    const printed = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    throw refused(options, printed.split('\n')[0] || String(error));
  }
}

function refused(options: readonly string[], why: string): BoxError {
  return new BoxError('ERR_BOX_USAGE', `cannot list the processes with ps ${options.join(' ')}: ${why}`, {
    hint: 'Give options of ps(1) that list many processes with their PIDs, such as aux or -o pid,args.',
  });
}
