import type { ExitStatus, PublishedPort, RunningContainer } from '@boxkit/contracts';
import type { BoxRunOptions, Cancellable, DirectoryRunOptions, Stdio } from '../../options.ts';

/** `restarting`: its supervisor waits before it starts it again. */
export type ContainerStatus = 'created' | 'running' | 'paused' | 'restarting' | 'exited';

/** A container as it is now. Plain data. */
export interface ContainerSummary {
  readonly containerId: string;
  readonly name: string;
  /** The image's name, or `directory:` and a path. */
  readonly reference: string;
  readonly command: readonly string[];
  readonly status: ContainerStatus;
  /** Times in ISO 8601. */
  readonly created: string;
  readonly started?: string;
  readonly finished?: string;
  readonly exit?: ExitStatus;
  /** The first process, as the host numbers it, while it runs. */
  readonly pid?: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly isolator: string;
  /** Whether a supervisor of its own holds it. */
  readonly detached: boolean;
  /** Whether it has a terminal. */
  readonly terminal: boolean;
  readonly restarts: number;
  /** Those of the host's that lead into it, while it runs. */
  readonly ports: readonly PublishedPort[];
  /** Absolute path of the container's directory. */
  readonly path: string;
}

/** What a detached container is asked besides. */
export interface DetachOptions {
  /** Start it again when it fails: `no` (default), `on-failure`, `on-failure:N`. */
  readonly restart?: string;
  /** Milliseconds after which it is stopped. */
  readonly timeout?: number;
  /** Keep standard input open for who attaches. */
  readonly interactive?: boolean;
  /** Bytes that its log may have; default 32 MiB. */
  readonly logLimit?: number;
}

/** How a container that has ended is started again; what is not given is as it was. */
export type AgainOptions = Cancellable & Pick<DetachOptions, 'timeout' | 'interactive'>;

export interface StartStdio {
  /** Default `pipe` for all three. */
  readonly stdin?: Stdio;
  readonly stdout?: Stdio;
  readonly stderr?: Stdio;
}

type OwnStreams = 'stdin' | 'stdout' | 'stderr';
export type DetachRunOptions = Omit<BoxRunOptions, OwnStreams> & DetachOptions;
export type DetachDirectoryOptions = Omit<DirectoryRunOptions, OwnStreams> & DetachOptions;

export interface DetachedContainer {
  readonly containerId: string;
  readonly name: string;
  /** Set when the command could not be executed at all (126, 127). */
  readonly exit?: ExitStatus;
}

export interface LogOptions extends Cancellable {
  /** Goes on until the container has ended. */
  readonly follow?: boolean;
  /** Milliseconds since 1970. */
  readonly since?: number;
  /** The same: only what came before. */
  readonly until?: number;
  /** Only the last lines, this many. */
  readonly tail?: number;
}

export interface LogLine {
  /** ISO 8601. */
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  /** A line with its newline, or what there was of one. */
  readonly bytes: Uint8Array;
}

export interface ExecOptions extends Cancellable {
  /** Merged over the container's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** As of `run`; default the container's. */
  readonly user?: string;
  /** Absolute path inside; default the container's. */
  readonly workdir?: string;
  readonly terminal?: boolean;
  readonly stdin?: Stdio;
  readonly stdout?: Stdio;
  readonly stderr?: Stdio;
}

/** A process of a container, from `/proc`. */
export interface ContainerProcessInfo {
  /** As the host numbers it, and as the container does. */
  readonly pid: number;
  readonly containerPid: number;
  readonly parentPid: number;
  /** As the host has it. */
  readonly uid: number;
  /** One letter, proc_pid_stat(5). */
  readonly state: string;
  /** Milliseconds of processor time. */
  readonly cpuTime: number;
  /** Bytes in memory. */
  readonly memory: number;
  readonly command: string;
}

export type MeasureSource = 'cgroup' | 'processes';

/** What a container uses. */
export interface ContainerStats {
  readonly containerId: string;
  readonly name: string;
  /** Where the numbers come from: the container's cgroup, or the sum of its living processes. */
  readonly source: { readonly memory: MeasureSource; readonly cpu: MeasureSource };
  /** Bytes. */
  readonly memory: number;
  readonly memoryLimit?: number;
  /** Milliseconds of processor time so far. */
  readonly cpuTime: number;
  readonly pids: number;
  readonly pidsLimit?: number;
}

export interface CopyOptions extends Cancellable {
  /** Copy what a symlink at the end of `source` leads to. */
  readonly followLink?: boolean;
  /** Keep owners by their ids; otherwise copies belong to the caller, inside to root. */
  readonly archive?: boolean;
}

/** What became of one path of the image in a container. */
export interface ContainerChange {
  readonly change: 'added' | 'changed' | 'deleted';
  /** Absolute inside; bytes that are no UTF-8 are shown as U+FFFD. */
  readonly path: string;
}

/** A connection to a detached container's streams. */
export interface Attachment extends AsyncDisposable {
  readonly output: AsyncIterable<{ readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }>;
  write(bytes: Uint8Array): void;
  /** Ends the container's standard input. */
  end(): void;
  resize(columns: number, rows: number): void;
  readonly terminal: boolean;
  /** How the container ended; undefined when only the connection did. */
  readonly exit: Promise<ExitStatus | undefined>;
}

/**
 * The containers of a home, whoever started them. Each is named by its containerId, the beginning of it, or its name;
 * ERR_BOX_CONTAINER_UNKNOWN when there is none, ERR_BOX_CONTAINER_STATE when it is not in a state to do what is asked.
 */
export interface Containers {
  /** All of them, oldest first, those that have ended too. */
  list(): Promise<readonly ContainerSummary[]>;
  get(container: string): Promise<ContainerSummary>;
  /** Starts a container that a supervisor of its own holds, which outlives this program. */
  detach(reference: string, options?: DetachRunOptions): Promise<DetachedContainer>;
  /** The same in a plain directory. */
  detachDirectory(directory: string, options?: DetachDirectoryOptions): Promise<DetachedContainer>;
  /**
   * Starts a container that has ended once more, on the files that it left: the same command, options and backend. A
   * supervisor holds it from then on.
   */
  start(container: string, options?: AgainOptions): Promise<DetachedContainer>;
  /** The same on the caller's streams: it ends when the result is disposed of, and stays in the list. */
  startAttached(container: string, options?: StartStdio & Cancellable): Promise<RunningContainer>;
  /** What a detached container wrote. */
  logs(container: string, options?: LogOptions): AsyncIterable<LogLine>;
  /** Sends a signal to the first process. */
  kill(container: string, signal?: NodeJS.Signals | number): Promise<void>;
  /** Sends the stop signal, and SIGKILL after the stop timeout (milliseconds). Nothing happens to one that has ended. */
  stop(container: string, options?: Cancellable & { readonly timeout?: number }): Promise<ContainerSummary>;
  /** Resolves when it has ended. */
  wait(container: string, options?: Cancellable): Promise<ExitStatus>;
  /** Removes all that is left of it; one that runs only with `force`, by SIGKILL. */
  remove(container: string, options?: Cancellable & { readonly force?: boolean }): Promise<ContainerSummary>;
  rename(container: string, name: string): Promise<void>;
  /** Starts a further command in it: the same namespaces, cgroups, capabilities and filter. */
  exec(container: string, argv: readonly [string, ...string[]], options?: ExecOptions): Promise<RunningContainer>;
  /** Its processes, in no order. */
  top(container: string): Promise<readonly ContainerProcessInfo[]>;
  /** The same as the host's ps(1) prints it with these options, PID among its columns. Throws ERR_BOX_USAGE. */
  processTable(container: string, psOptions: readonly string[], options?: Cancellable): Promise<string>;
  /** Lets none of its processes run, until `unpause`. */
  pause(container: string): Promise<void>;
  unpause(container: string): Promise<void>;
  stats(container: string): Promise<ContainerStats>;
  /**
   * What it changed of its image, whether it runs or not: a directory before what lies in it, which makes it `changed`;
   * names in order. What box itself made to mount on is left out. ERR_BOX_CONTAINER_STATE for one without an image.
   */
  changes(container: string, options?: Cancellable): AsyncIterable<ContainerChange>;
  /** Connects to the streams of a detached container. */
  attach(container: string, options?: Cancellable): Promise<Attachment>;
  /**
   * Copies a file or a directory from a container, running or ended (`source`, absolute inside), to the host (`target`,
   * absolute), by the rules of cp(1): into a directory that is there, `DIR/.` for what lies in DIR. Symlinks are copied,
   * and followed on the way inside of the container only. Throws ERR_BOX_FILE_UNREADABLE.
   */
  copyFrom(container: string, source: string, target: string, options?: CopyOptions): Promise<void>;
  /** The other way. */
  copyTo(container: string, source: string, target: string, options?: CopyOptions): Promise<void>;
  /** The same as an uncompressed tar with the container's own ids. */
  packFrom(container: string, source: string, options?: CopyOptions): AsyncIterable<Uint8Array>;
  /**
   * Puts what a tar holds (plain, gzip, zstd) into a directory of a container. Throws ERR_BOX_LAYER_INVALID and
   * ERR_BOX_LAYER_UNSAFE for the tar, ERR_BOX_FILE_UNREADABLE.
   */
  unpackTo(container: string, target: string, tar: AsyncIterable<Uint8Array>, options?: CopyOptions): Promise<void>;
}
