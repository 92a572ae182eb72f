import type { Readable, Writable } from 'node:stream';
import type { BoxEvent, ExitStatus, PlannedContainer, RunningContainer } from '@boxkit/contracts';
import { removeCgroups } from './cgroups.ts';
import { exitStatus } from './exit-status.ts';
import type { HostProcess } from './host-process.ts';
import { childrenOf } from './process-table.ts';
import type { ReportReader } from './report-reader.ts';
import { signalFirstProcess } from './signal-first-process.ts';
import type { OpenStdio } from './stdio.ts';
import { endTree } from './tree.ts';

export interface ContainerParts {
  readonly child: HostProcess;
  readonly stdio: OpenStdio;
  readonly reports: ReportReader;
  readonly network: AsyncDisposable | undefined;
  readonly signal: AbortSignal;
  readonly emit: (event: BoxEvent) => void;
}

/** A started container: one host process, and the tree below it. */
export class Container implements RunningContainer {
  readonly containerId: string;
  readonly name: string;
  readonly pid: number;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  readonly exit: Promise<ExitStatus>;
  readonly executed: Promise<boolean>;
  /** Settles when the command is about to start; rejects when the setup failed. */
  readonly ready: Promise<void>;
  readonly #planned: PlannedContainer;
  readonly #parts: ContainerParts;
  #ended = false;
  #meant: number | undefined;

  constructor(planned: PlannedContainer, parts: ContainerParts) {
    this.#planned = planned;
    this.#parts = parts;
    this.containerId = planned.containerId;
    this.name = planned.name;
    this.pid = parts.child.pid;
    this.stdin = parts.stdio.stdin;
    this.stdout = parts.stdio.stdout;
    this.stderr = parts.stdio.stderr;
    this.executed = parts.reports.executed;
    this.exit = this.#run();
    // whoever does not wait for the end shall not be ended by it
    this.exit.catch(() => {});
    this.ready = this.#becomeReady();
  }

  async kill(signal: NodeJS.Signals | number = 'SIGTERM'): Promise<boolean> {
    await this.ready.catch(() => {});
    const pid = this.#firstProcess();
    if (this.#ended || pid === undefined) return false;
    return signalFirstProcess(pid, signal, (meant) => (this.#meant = meant));
  }

  async stop(options: { readonly timeout?: number } = {}): Promise<ExitStatus> {
    const { signal, timeout } = this.#planned.stop;
    await this.kill(signal);
    const timer = setTimeout(() => this.#end(), options.timeout ?? timeout);
    try {
      return await this.exit;
    } finally {
      clearTimeout(timer);
    }
  }

  resize(columns: number, rows: number): void {
    this.#parts.stdio.resize?.(columns, rows);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) this.#end();
    await this.exit.catch(() => {});
    this.#parts.stdio.destroy();
  }

  async #becomeReady(): Promise<void> {
    if (await this.#parts.reports.ready) {
      this.#parts.emit({
        type: 'container-started',
        containerId: this.containerId,
        name: this.name,
        pid: this.#firstProcess() ?? this.pid,
        isolator: this.#planned.plan.isolator,
      });
      return;
    }
    await this.exit;
  }

  async #run(): Promise<ExitStatus> {
    const { child, reports, signal, emit } = this.#parts;
    const onAbort = (): void => this.#end();
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const end = await child.exit;
    this.#ended = true;
    signal.removeEventListener('abort', onAbort);
    if (this.#planned.plan.tree === 'descendants') endTree(this.#planned.plan, this.pid);
    await this.#parts.network?.[Symbol.asyncDispose]();
    await removeCgroups(this.#planned.plan.cgroups);
    const meant = this.#meant === undefined ? {} : { meant: this.#meant };
    const status = exitStatus(this.#planned, { ...end, ...meant }, await reports.all);
    emit({
      type: 'container-exited',
      containerId: this.containerId,
      code: status.code,
      ...(status.signal === undefined ? {} : { signal: status.signal }),
    });
    return status;
  }

  /** The host's pid of the container's first process. */
  #firstProcess(): number | undefined {
    if (this.#planned.plan.tree === 'descendants') return this.pid;
    return childrenOf(this.pid)[0];
  }

  #end(): void {
    endTree(this.#planned.plan, this.pid);
  }
}
