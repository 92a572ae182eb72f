import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { SystemCall } from '@boxkit/contracts';
import { makePipe, planOfCalls } from '@boxkit/linux';
import { openDescriptors } from '../descriptors.ts';
import { childrenOf } from '../process-table.ts';
import { readReports, type ReportReader } from '../report-reader.ts';

/** As much of what the tool says as is kept. */
const outputLimit = 16 * 1024;

/** A tool that connects a network namespace, and its guardian: see `networkGuardianCalls`. */
export class NetworkProcess implements AsyncDisposable {
  /** Resolves when the tool forwards packets; rejects with what it has said when it ends before. */
  readonly ready: Promise<void>;
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  readonly #reports: ReportReader;
  readonly #channel: Socket | undefined;
  #output = '';

  constructor(
    calls: readonly SystemCall[],
    { namespaceOf, home }: { readonly namespaceOf: number; readonly home: string },
  ) {
    const readiness = makePipe(4096);
    const reader = new Socket({ fd: readiness.read, readable: true, writable: false });
    try {
      const started = spawnGuardian(calls, { namespaceOf, home, readiness: readiness.write });
      this.#child = started.child;
      this.#channel = started.channel;
    } catch (error) {
      reader.destroy();
      throw error;
    } finally {
      closeSync(readiness.write);
    }
    const failed = once(this.#child, 'close');
    this.#closed = failed.catch(() => {});
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      if (this.#output.length < outputLimit) this.#output += chunk.toString();
    });
    this.#reports = readReports(this.#channel);
    void this.#reports.waiting.then((waits) => {
      if (waits) this.#reports.answer();
    });
    this.ready = this.#becomeReady(reader);
    this.ready.catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // a guardian that has not come so far as to end with its parent gets no answer any more
    this.#channel?.destroy();
    const [guardian] = this.#child.pid === undefined ? [] : childrenOf(this.#child.pid);
    // the kernel ends the tool with the guardian, whose parent reaps it
    if (guardian === undefined || !killed(guardian)) this.#child.kill('SIGKILL');
    // the tool holds the other end of its standard error until it is gone
    await this.#closed;
  }

  async #becomeReady(reader: Socket): Promise<void> {
    const isReady = await new Promise<boolean>((resolve) => {
      reader.once('data', () => resolve(true));
      reader.once('close', () => resolve(false));
      reader.on('error', () => resolve(false));
      this.#child.once('error', () => resolve(false));
    });
    reader.destroy();
    if (isReady) return;
    await this.#closed;
    const failure = (await this.#reports.all).find((report) => report.kind === 'failed');
    const said = complaints(this.#output);
    if (said !== '') throw new Error(said);
    throw new Error(failure === undefined ? 'it ended without a word' : `its guardian failed: ${failure.errno}`);
  }
}

function spawnGuardian(
  calls: readonly SystemCall[],
  setting: { readonly namespaceOf: number; readonly home: string; readonly readiness: number },
): { readonly child: ChildProcess; readonly channel: Socket | undefined } {
  const namespace = openSync(`/proc/${setting.namespaceOf}/ns/net`, 'r');
  try {
    const plan = planOfCalls(calls);
    using descriptors = openDescriptors(plan, setting.home);
    const child = spawn(plan.argv[0], [], {
      env: plan.env,
      cwd: '/',
      detached: true,
      stdio: [namespace, setting.readiness, 'pipe', ...descriptors.fds],
    });
    return { child, channel: descriptors.report };
  } finally {
    closeSync(namespace);
  }
}

function killed(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    // ended meanwhile
    return false;
  }
}

/** The tool's own words, without those on a system log that is not there. */
function complaints(output: string): string {
  const lines = output.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '' && !/^Failed to send \d+ bytes to syslog$/.test(line)).join('; ');
}
