import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { BoxError, type UserModeNetwork } from '@boxkit/contracts';
import { networkGuardianCalls } from '@boxkit/linux';
import { childrenOf } from '../process-table.ts';
import type { ReportReader } from '../report-reader.ts';
import { NetworkProcess } from './network-process.ts';
import { publishPorts } from './slirp-ports.ts';

export interface NetworkSetting {
  /** The host program that made the namespace; its child is the container's first process, which waits. */
  readonly pid: number;
  readonly reports: ReportReader;
  /** The store's home. */
  readonly home: string;
  /** The container's own, for a socket that is there for a moment. */
  readonly directory: string;
}

/** Bytes of a socket's path that the kernel takes. unix(7). */
const socketPathLimit = 107;

/** The connection of one container's network namespace, from its start to the container's end. */
export class ContainerNetwork implements AsyncDisposable {
  /** Resolves when the container has its network, and when it ends before; rejects with ERR_BOX_NETWORK_FAILED. */
  readonly connected: Promise<void>;
  readonly #network: UserModeNetwork;
  readonly #setting: NetworkSetting;
  #process: NetworkProcess | undefined;
  #ended = false;

  constructor(network: UserModeNetwork, setting: NetworkSetting) {
    this.#network = network;
    this.#setting = setting;
    this.connected = this.#connect();
    // who starts the container awaits it, or the container has ended
    this.connected.catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await this.#process?.[Symbol.asyncDispose]();
  }

  async #connect(): Promise<void> {
    const { reports, home, pid } = this.#setting;
    if (!(await reports.waiting)) {
      if (await reports.ready) throw notAwaited();
      return;
    }
    if (this.#ended) return;
    const first = childrenOf(pid)[0];
    if (first === undefined) return;
    const control = this.#controlPath();
    try {
      this.#process = new NetworkProcess(networkGuardianCalls(this.#network, control), { namespaceOf: first, home });
      await this.#process.ready;
      if (control !== undefined) await publishPorts(control, this.#network.ports);
    } catch (cause) {
      if (this.#ended) return;
      const why = cause instanceof Error ? cause.message : String(cause);
      const message = `cannot connect the container's network with ${this.#network.tool}: ${why}`;
      const hint = /routable interface/.test(why)
        ? { hint: 'pasta wants a default route: connect this machine, or install the package slirp4netns.' }
        : {};
      throw new BoxError('ERR_BOX_NETWORK_FAILED', message, { cause, fields: { tool: this.#network.tool }, ...hint });
    } finally {
      if (control !== undefined) removeFile(control);
    }
    reports.answer();
  }

  /** Where slirp4netns listens for the ports to publish. Throws ERR_BOX_NETWORK_FAILED for a path that is too long. */
  #controlPath(): string | undefined {
    const { tool, ports } = this.#network;
    if (tool !== 'slirp4netns' || ports.length === 0) return undefined;
    const path = join(this.#setting.directory, 'network');
    if (Buffer.byteLength(path) <= socketPathLimit) return path;
    throw new BoxError('ERR_BOX_NETWORK_FAILED', `cannot publish ports with slirp4netns: ${path} is too long a path`, {
      hint: 'Install the package passt, or use a shorter BOX_HOME.',
    });
  }
}

function notAwaited(): BoxError {
  return new BoxError('ERR_BOX_INTERNAL', 'the container has started without waiting for its network', {
    hint: "The backend's list of system calls must hold awaitLauncher() of @boxkit/linux.",
  });
}

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // never made
  }
}
