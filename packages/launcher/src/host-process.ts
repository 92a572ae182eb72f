import { spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { BoxError } from '@boxkit/contracts';
import { findProgram, processEnd, spawnProcess, type ProcessEnd } from '@boxkit/linux';
import { signalNumber } from './process-table.ts';

/** A process of the host's that this one has started. */
export interface HostProcess {
  readonly pid: number;
  /** Never rejects. */
  readonly exit: Promise<ProcessEnd>;
}

export interface HostProgramCall {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** What it has as 0, 1, 2 and so on. */
  readonly descriptors: readonly number[];
}

/**
 * Starts a program in / and in a session of its own, so that signals of the caller's terminal reach it through the
 * launcher only. Throws ERR_BOX_LAUNCH_FAILED.
 */
export async function startHostProcess(call: HostProgramCall): Promise<HostProcess> {
  const [program] = call.argv;
  try {
    return isMainThread() ? startOnMainThread(call) : await startInWorker(call);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BoxError('ERR_BOX_LAUNCH_FAILED', `cannot start ${program}: ${why}`, { cause });
  }
}

function startOnMainThread({ argv, env, descriptors }: HostProgramCall): HostProcess {
  const [program] = argv;
  const file = program.includes('/') ? program : (findProgram(program, env['PATH']) ?? program);
  const pid = spawnProcess({ file, argv, env, cwd: '/', descriptors });
  return { pid, exit: processEnd(pid) };
}

/** Signals, and so the news that a child has ended, come to the main thread alone. Node has a way around that. */
async function startInWorker({ argv: [program, ...args], env, descriptors }: HostProgramCall): Promise<HostProcess> {
  const stdio: StdioOptions = [...descriptors];
  const child = spawn(program, args, { env, cwd: '/', detached: true, stdio });
  if (child.pid === undefined) {
    const [cause] = await once(child, 'error');
    throw cause;
  }
  const exit = new Promise<ProcessEnd>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal: signal === null ? null : signalNumber(signal) }));
  });
  return { pid: child.pid, exit };
}

let mainThread: boolean | undefined;

/** Asked of the kernel: node:worker_threads takes 4 ms to load. */
function isMainThread(): boolean {
  mainThread ??= /^(\d+)\/task\/\1$/.test(readlinkSync('/proc/thread-self'));
  return mainThread;
}
