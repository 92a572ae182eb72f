import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import {
  isBoxError,
  type AppliedImage,
  type BoxEvent,
  type ExitStatus,
  type IdMap,
  type Isolator,
  type PlannedContainer,
  type ProcessConfig,
  type Rootfs,
  type RunningContainer,
  type RunOptions,
  type Stage,
  type StageContext,
  type SystemCall,
} from '@boxkit/contracts';
import { temporaryDirectory, type TemporaryDirectory } from '../temporary.ts';
import { makeRootfs } from './fixture.ts';

type Stdio = 'inherit' | 'pipe' | 'ignore';

/** The stages that a backend is tried with; handed in, since the testkit knows no stage. */
export interface IsolatorStages {
  isolate(options: RunOptions & { readonly isolators: readonly Isolator[] }): Stage<AppliedImage, PlannedContainer>;
  launch(options: {
    readonly stdin?: Stdio;
    readonly stdout?: Stdio;
    readonly stderr?: Stdio;
  }): Stage<PlannedContainer, RunningContainer>;
  /** A program that makes these system calls, for attacks that no tool makes: run with `program` as 3 and any file as 4. */
  attack(calls: readonly SystemCall[]): { readonly executable: Uint8Array; readonly program: Uint8Array };
  /** The id map of a rootfs of this user's. */
  idMap(): IdMap;
}

export interface RunRequest extends RunOptions {
  readonly config?: ProcessConfig;
  readonly input?: string;
  readonly overlay?: boolean;
  /** A rootfs other than the fixture's. */
  readonly rootfs?: Rootfs;
  readonly signal?: AbortSignal;
}

export interface RunResult {
  readonly status: ExitStatus;
  readonly stdout: string;
  readonly stderr: string;
}

/** A place with a rootfs in it, and the means to start containers of one backend on it. */
export interface Harness extends AsyncDisposable {
  readonly directory: string;
  readonly root: string;
  readonly events: readonly BoxEvent[];
  rootfs(options?: { readonly overlay?: boolean }): Promise<Rootfs>;
  start(args: readonly string[], request?: RunRequest): Promise<RunningContainer>;
  run(args: readonly string[], request?: RunRequest): Promise<RunResult>;
  /** Runs a script and gives its standard output, trimmed. Throws when it fails. */
  sh(script: string, request?: RunRequest): Promise<string>;
  /** What a script prints, whatever its status and without its errors; the code of box's error when it is not run. */
  attempt(script: string, request?: RunRequest): Promise<string>;
  /** What these system calls print when a container makes them. */
  attack(calls: readonly SystemCall[], request?: RunRequest): Promise<string>;
}

/** Makes a harness whose paths hold what paths may hold: a space and a newline. */
export async function makeHarness(isolator: Isolator, stages: IsolatorStages): Promise<Harness> {
  const place = await temporaryDirectory('isolator');
  const directory = join(place.path, 'a space,\nand: a newline');
  const root = join(directory, 'root fs');
  await mkdir(directory);
  await makeRootfs(root);
  return new ContainerHarness({ place, directory, root, isolator, stages });
}

interface HarnessParts {
  readonly place: TemporaryDirectory;
  readonly directory: string;
  readonly root: string;
  readonly isolator: Isolator;
  readonly stages: IsolatorStages;
}

class ContainerHarness implements Harness {
  readonly directory: string;
  readonly root: string;
  readonly events: BoxEvent[] = [];
  readonly #parts: HarnessParts;
  readonly #workDirectories: string[] = [];

  constructor(parts: HarnessParts) {
    this.#parts = parts;
    this.directory = parts.directory;
    this.root = parts.root;
  }

  async rootfs({ overlay = false }: { readonly overlay?: boolean } = {}): Promise<Rootfs> {
    const idMap = this.#parts.stages.idMap();
    if (!overlay) return { kind: 'directory', path: this.root, idMap };
    const base = join(this.directory, `overlay ${this.#workDirectories.length}`);
    const [upper, work, target] = [join(base, 'upper'), join(base, 'work'), join(base, 'target')];
    this.#workDirectories.push(work);
    for (const path of [upper, work, target]) await mkdir(path, { recursive: true });
    const userxattr = idMap.kind !== 'host';
    return { kind: 'overlay', lower: [this.root], upper, work, target, userxattr, idMap };
  }

  async start(args: readonly string[], request: RunRequest = {}): Promise<RunningContainer> {
    const { isolator, stages } = this.#parts;
    const { config = {}, overlay = false, signal, input, rootfs, ...options } = request;
    const context = this.#context(signal ?? new AbortController().signal);
    const applied = {
      image: { imageConfig: { os: 'linux', architecture: 'amd64', config } },
      rootfs: rootfs ?? (await this.rootfs({ overlay })),
    } as unknown as AppliedImage;
    const all = { isolation: isolator.name, network: 'host', ...options, args, isolators: [isolator] } as const;
    const planned = await stages.isolate(all).run(applied, context);
    const stdin = input === undefined ? 'ignore' : 'pipe';
    return stages.launch({ stdin, stdout: 'pipe', stderr: 'pipe' }).run(planned, context);
  }

  async run(args: readonly string[], request: RunRequest = {}): Promise<RunResult> {
    await using container = await this.start(args, request);
    container.stdin?.end(request.input);
    const [status, stdout, stderr] = await Promise.all([
      container.exit,
      container.stdout === null ? '' : text(container.stdout),
      container.stderr === null ? '' : text(container.stderr),
    ]);
    return { status, stdout, stderr };
  }

  async sh(script: string, request: RunRequest = {}): Promise<string> {
    const { status, stdout, stderr } = await this.run(['sh', '-c', script], request);
    if (status.code !== 0)
      throw new Error(`${script}: status ${status.code}: ${stdout}${stderr}${status.reason ?? ''}`);
    return stdout.trim();
  }

  async attempt(script: string, request: RunRequest = {}): Promise<string> {
    try {
      return (await this.run(['sh', '-c', script], request)).stdout.trim();
    } catch (error) {
      if (isBoxError(error)) return error.code;
      throw error;
    }
  }

  async attack(calls: readonly SystemCall[], request: RunRequest = {}): Promise<string> {
    const { executable, program } = this.#parts.stages.attack(calls);
    await writeFile(join(this.root, 'attack'), executable);
    await chmod(join(this.root, 'attack'), 0o755);
    await writeFile(join(this.root, 'attack.program'), program);
    return this.attempt('exec /attack 3</attack.program 4>/attack.report', request);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // overlayfs leaves a directory of mode 0 in its work directory
    for (const work of this.#workDirectories) await chmod(join(work, 'work'), 0o700).catch(() => {});
    await this.#parts.place[Symbol.asyncDispose]();
  }

  #context(signal: AbortSignal): StageContext {
    return {
      signal,
      store: { home: join(this.directory, 'home') },
      logger: { debug: () => {}, warn: () => {} },
      emit: (event: BoxEvent) => this.events.push(event),
      defer: () => {},
    } as unknown as StageContext;
  }
}
