import type { ImageDestination } from './destination.ts';
import type { Isolator } from './isolator.ts';
import type { ImageSource } from './source.ts';
import type { RootfsDriver } from './rootfs.ts';
import type { Stage } from './stage.ts';
import type { BoxEvent } from './events.ts';

/** A bundle of contributions. The built-in sources, drivers and backends come through the same door. */
export interface Plugin {
  /** An npm-like name: `@boxkit/plugin-unshare`. Registered once. */
  readonly name: string;
  /** Called once, by createBox(). May be async; throws to refuse. */
  setup(host: PluginHost): void | Promise<void>;
}

/** What a plugin may contribute. Each call checks the shape and throws ERR_BOX_PLUGIN_INVALID, naming plugin and field. */
export interface PluginHost {
  addSource(source: ImageSource): void;
  addDestination(destination: ImageDestination): void;
  addRootfsDriver(driver: RootfsDriver): void;
  addIsolator(isolator: Isolator): void;
  /** Puts a stage into `box.run`'s pipeline, right after the named one. Its input and output are that stage's output. */
  addStage(after: StageName, stage: Stage<never, unknown>): void;
  /** Called for every event, before the caller's own observers. */
  onEvent(observer: (event: BoxEvent) => void): void;
  addCommand(command: PluginCommand): void;
}

export type StageName = 'fetch' | 'manifest' | 'apply' | 'isolate';

/** A command of the CLI: `box NAME ...`. */
export interface PluginCommand {
  readonly name: string;
  readonly summary: string;
  readonly help: string;
  /** Resolves to the exit status. */
  run(args: readonly string[], io: CommandIo): Promise<number>;
}

export interface CommandIo {
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  readonly signal: AbortSignal;
}

/** Types a plugin; returns what it is given. */
export function definePlugin(plugin: Plugin): Plugin {
  return plugin;
}
